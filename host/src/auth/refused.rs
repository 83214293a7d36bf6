//! Refusals of requests.

use std::borrow::Cow;
use thiserror::Error;

/// Why a request is refused. It contains nothing from a token.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{detail}")]
pub struct Refused {
    /// 400 (invalid request), 401 (no valid token), 403 (another client) or 503
    /// (the key is not available yet).
    pub status: u16,
    /// The kind of refusal, for metrics; `None` if nothing is wrong with the
    /// credentials.
    pub reason: Option<&'static str>,
    /// What is wrong and what to do, for people. Plain ASCII, safe to show.
    pub detail: Cow<'static, str>,
    /// The value of `WWW-Authenticate`, where there should be one (RFC 6750,
    /// section 3).
    pub challenge: Option<String>,
}

const REALM: &str = "Bearer realm=\"millstream\"";

impl Refused {
    /// The request has no token. RFC 6750 requires no error code then.
    pub(super) fn no_token() -> Refused {
        Refused {
            status: 401,
            reason: Some("no-token"),
            detail: "missing token: send Authorization: Bearer <token>, or the cookie".into(),
            challenge: Some(REALM.into()),
        }
    }

    /// The request has no admin token.
    pub(super) fn no_secret() -> Refused {
        Refused {
            status: 401,
            reason: Some("no-token"),
            detail: "missing token of [admin]: send Authorization: Bearer <token>".into(),
            challenge: Some(REALM.into()),
        }
    }

    /// The token is invalid, or there is more than one.
    pub(super) fn token(detail: impl Into<Cow<'static, str>>) -> Refused {
        Refused::with(401, "invalid_token", detail.into()).reason("bad-token")
    }

    /// Sets a more precise reason.
    pub(super) fn reason(self, reason: &'static str) -> Refused {
        let reason = Some(reason);
        Refused { reason, ..self }
    }

    /// The token was revoked.
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

    /// Whether the same token may be accepted soon.
    pub fn is_temporary(&self) -> bool {
        self.status == 503
    }

    /// The token is valid, but not for this client.
    pub(super) fn forbidden(detail: impl Into<Cow<'static, str>>) -> Refused {
        Refused::with(403, "insufficient_scope", detail.into()).reason("other-client")
    }

    /// The token is in a place where it is not accepted.
    pub(super) fn misplaced(detail: impl Into<Cow<'static, str>>) -> Refused {
        Refused::with(400, "invalid_request", detail.into()).reason("token-in-url")
    }

    /// The request is invalid, with any credentials.
    pub(super) fn request(detail: impl Into<Cow<'static, str>>) -> Refused {
        Refused {
            status: 400,
            reason: None,
            detail: detail.into(),
            challenge: None,
        }
    }

    fn with(status: u16, error: &str, detail: Cow<'static, str>) -> Refused {
        // RFC 6750 allows these; the configured name of a claim may contain others.
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
