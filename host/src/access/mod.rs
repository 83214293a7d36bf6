//! From a request to the client that it is for.
//!
//! Promises: what is asked for one client is answered only to who may ask for
//! it, and a page of another origin uses nobody's cookie. This folder knows
//! HTTP and tokens; what is asked for is not its affair.

mod cors;

pub use cors::{Cors, Origin};

use crate::auth::{Auth, Credentials, Refused, Verified};
use crate::http::{Because, Reply, Request, StatusCode, header, problem};
use header::HeaderValue;

/// Why nobody is let in.
pub enum Denied {
    /// The request is refused: this answer says why.
    Refused(Box<Reply>),
    /// It isn't known yet who asks; the answer says to try again.
    Later(Box<Reply>),
}

impl Denied {
    /// The answer to who understands any status.
    pub fn reply(self) -> Box<Reply> {
        match self {
            Denied::Refused(reply) | Denied::Later(reply) => reply,
        }
    }
}

/// Seconds after which a token may be known that isn't now.
const KNOWN_SOON: u32 = 2;

/// Who asks: `client` is the query's, decoded.
///
/// # Errors
/// Why they may not, or not yet.
pub fn who<T>(
    auth: &Auth,
    request: &Request<T>,
    cors: &Cors<'_>,
    client: Option<&[u8]>,
) -> Result<Verified, Denied> {
    if cors.origin == Origin::Foreign && !auth.is_anonymous() {
        // A browser adds a cookie to whatever any page asks for.
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

/// A refusal as an answer.
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
