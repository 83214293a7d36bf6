//! From a request to the client that it is for.
//!
//! Promises: a client's data is answered only to requests that may ask for it,
//! and a page of another origin can't use a cookie. This folder knows HTTP and
//! tokens, not what is asked for.

mod cors;

pub use cors::{Cors, Origin};

use crate::auth::{Auth, Credentials, Refused, Verified};
use crate::http::{Because, Reply, Request, StatusCode, header, problem};
use header::HeaderValue;

/// Why a request is not let in.
pub enum Denied {
    /// The request is refused with this answer.
    Refused(Box<Reply>),
    /// The token can't be checked yet; the answer says to retry.
    Later(Box<Reply>),
}

impl Denied {
    /// The answer for a client that understands any status.
    pub fn reply(self) -> Box<Reply> {
        match self {
            Denied::Refused(reply) | Denied::Later(reply) => reply,
        }
    }
}

/// Seconds after which an unknown token may be known.
const KNOWN_SOON: u32 = 2;

/// Authenticates a request. `client` is the decoded query parameter.
///
/// # Errors
/// Why the request is refused, or can't be checked yet.
pub fn who<T>(
    auth: &Auth,
    request: &Request<T>,
    cors: &Cors<'_>,
    client: Option<&[u8]>,
) -> Result<Verified, Denied> {
    if cors.origin == Origin::Foreign && !auth.is_anonymous() {
        // A browser adds its cookie to the requests of any page.
        return Err(Denied::Refused(Box::new(foreign())));
    }
    let values = |name| request.headers().get_all(name).iter();
    let credentials = Credentials {
        authorization: values(header::AUTHORIZATION)
            .map(HeaderValue::as_bytes)
            .collect(),
        cookies: values(header::COOKIE).map(HeaderValue::as_bytes).collect(),
        query: request.uri().query().unwrap_or_default(),
    };
    let verified = auth.check(&credentials, client);
    verified.map_err(|refused| {
        let mut reply = Box::new(refusal(&refused));
        if !refused.is_temporary() {
            return Denied::Refused(reply);
        }
        let soon = HeaderValue::from(KNOWN_SOON);
        reply.headers_mut().insert(header::RETRY_AFTER, soon);
        Denied::Later(reply)
    })
}

/// The answer to a page of an origin that is not allowed.
pub fn foreign() -> Reply {
    let why = "this origin is not listed in cors-origins";
    Because::on("origin", why, problem(StatusCode::FORBIDDEN, why))
}

/// Turns a refusal into an answer.
pub fn refusal(refused: &Refused) -> Reply {
    let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::FORBIDDEN);
    let mut reply = problem(status, &refused.detail);
    let challenge = refused.challenge.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(challenge)) = challenge {
        reply
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    match refused.reason {
        Some(reason) => Because::on(reason, &refused.detail, reply),
        None => reply,
    }
}
