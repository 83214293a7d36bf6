//! Decides whether a call beyond health and metrics is allowed.

use crate::access::refusal;
use crate::auth::{Credentials, Secret};
use crate::http::{Because, Reply, Request, StatusCode, header, problem};
use header::HeaderValue;

/// The paths that are always open.
const OPEN: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// What a call beyond health and metrics requires.
pub enum Guard {
    /// Nothing: the listener is on loopback.
    Local,
    /// The token.
    Secret(Secret),
    /// Such calls are refused: the listener is beyond loopback and has no
    /// token.
    Closed,
}

impl Guard {
    /// The guard of a listener on loopback or beyond, with a token or without.
    pub fn new(is_loopback: bool, secret: Option<Secret>) -> Guard {
        match secret {
            Some(secret) => Guard::Secret(secret),
            None if is_loopback => Guard::Local,
            None => {
                tracing::warn!(
                    "[admin] listens beyond loopback without a token, so it answers only /healthz, \
                     /readyz and /metrics; to allow calls about clients set [admin] token or \
                     token-file"
                );
                Guard::Closed
            }
        }
    }

    /// Checks a request.
    ///
    /// # Errors
    /// The answer that refuses it.
    pub(super) fn admit<T>(&self, request: &Request<T>) -> Result<(), Box<Reply>> {
        if OPEN.contains(&request.uri().path()) {
            return Ok(());
        }
        match self {
            Guard::Local => Ok(()),
            Guard::Secret(secret) => {
                let checked = secret.check(&credentials(request));
                checked.map_err(|refused| Box::new(refusal(&refused)))
            }
            Guard::Closed => {
                let why = "this listener is beyond loopback and has no token, so it answers only \
                           /healthz, /readyz and /metrics: set [admin] token or token-file";
                let reply = problem(StatusCode::FORBIDDEN, why);
                Err(Box::new(Because::on("no-token-configured", why, reply)))
            }
        }
    }
}

fn credentials<T>(request: &Request<T>) -> Credentials<'_> {
    let authorization = request.headers().get_all(header::AUTHORIZATION).iter();
    Credentials {
        authorization: authorization.map(HeaderValue::as_bytes).collect(),
        ..Credentials::default()
    }
}
