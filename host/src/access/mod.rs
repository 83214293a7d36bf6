//! From a request to the client that it is for.
//!
//! Promises: what is asked for one client is answered only to who may ask for
//! it, and a page of another origin uses nobody's cookie. This folder knows
//! HTTP and tokens; what is asked for is not its affair.

mod cors;

pub use cors::{Cors, Origin};

use crate::auth::{Auth, Credentials, Refused, Verified};
use crate::http::{Reply, Request, StatusCode, header, problem};
use header::HeaderValue;

/// Who asks: `client` is the query's, decoded.
///
/// # Errors
/// The answer for who may not.
pub fn who<T>(
    auth: &Auth,
    request: &Request<T>,
    cors: &Cors<'_>,
    client: Option<&[u8]>,
) -> Result<Verified, Box<Reply>> {
    if cors.origin == Origin::Foreign && !auth.is_anonymous() {
        // A browser adds a cookie to whatever any page asks for.
        return Err(Box::new(foreign()));
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
    verified.map_err(|refused| Box::new(refusal(&refused)))
}

/// The answer to a page of an origin that is not allowed.
pub fn foreign() -> Reply {
    let why = "pages of this origin are not in cors-origins";
    problem(StatusCode::FORBIDDEN, why)
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
    reply
}
