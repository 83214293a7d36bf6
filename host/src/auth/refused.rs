//! What is told to who may not read.

use std::borrow::Cow;
use thiserror::Error;

/// Why a request is refused. Nothing in it comes from a token.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{detail}")]
pub struct Refused {
    /// 400 (asked wrongly), 401 (who is it?), 403 (not this client) or 503
    /// (it isn't known yet).
    pub status: u16,
    /// What kind of refusal it is, in a word, for those who count them; none where
    /// nothing is wrong with who asks.
    pub reason: Option<&'static str>,
    /// What is wrong and what to do, for people. Plain ASCII, safe to tell.
    pub detail: Cow<'static, str>,
    /// The value of `WWW-Authenticate`, where there should be one (RFC 6750,
    /// section 3).
    pub challenge: Option<String>,
}

const REALM: &str = "Bearer realm=\"millstream\"";

impl Refused {
    /// There is no token. RFC 6750 wants no error code then.
    pub(super) fn no_token() -> Refused {
        Refused {
            status: 401,
            reason: Some("no-token"),
            detail: "missing token: send Authorization: Bearer <token>, or the cookie".into(),
            challenge: Some(REALM.into()),
        }
    }

    /// There is none of the kind that operators have.
    pub(super) fn no_secret() -> Refused {
        Refused {
            status: 401,
            reason: Some("no-token"),
            detail: "missing token of [admin]: send Authorization: Bearer <token>".into(),
            challenge: Some(REALM.into()),
        }
    }

    /// There is a token, or more than one, and it is not good.
    pub(super) fn token(detail: impl Into<Cow<'static, str>>) -> Refused {
        Refused::with(401, "invalid_token", detail.into()).reason("bad-token")
    }

    /// Says more precisely what kind it is.
    pub(super) fn reason(self, reason: &'static str) -> Refused {
        let reason = Some(reason);
        Refused { reason, ..self }
    }

    /// The token was good once.
    pub fn revoked() -> Refused {
        Refused::token("the token was revoked").reason("revoked")
    }

    /// The token's key may be one that is still being fetched.
    pub(super) fn later() -> Refused {
        Refused {
            status: 503,
            reason: None,
            detail: "the key that signed this token is being fetched: try again".into(),
            challenge: None,
        }
    }

    /// Whether the same token may be good in a moment.
    pub fn is_temporary(&self) -> bool {
        self.status == 503
    }

    /// The token is good, and not for this client.
    pub(super) fn forbidden(detail: impl Into<Cow<'static, str>>) -> Refused {
        Refused::with(403, "insufficient_scope", detail.into()).reason("other-client")
    }

    /// The token is where it must not be.
    pub(super) fn misplaced(detail: impl Into<Cow<'static, str>>) -> Refused {
        Refused::with(400, "invalid_request", detail.into()).reason("token-in-url")
    }

    /// The request is not one, whoever asks.
    pub(super) fn request(detail: impl Into<Cow<'static, str>>) -> Refused {
        Refused {
            status: 400,
            reason: None,
            detail: detail.into(),
            challenge: None,
        }
    }

    fn with(status: u16, error: &str, detail: Cow<'static, str>) -> Refused {
        // RFC 6750 allows these; a claim's configured name may hold others.
        let allowed = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        let described: String = detail.chars().filter(allowed).collect();
        let challenge = format!("{REALM}, error=\"{error}\", error_description=\"{described}\"");
        Refused {
            status,
            reason: None,
            detail,
            challenge: Some(challenge),
        }
    }
}
