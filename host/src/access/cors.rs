//! Cross-origin access of pages
//! (<https://fetch.spec.whatwg.org/#http-cors-protocol>).

use crate::http::{Body, Reply, Request, Response, StatusCode, asked_for, header};
use header::{HeaderMap, HeaderName, HeaderValue};

/// The origin of the page that sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// No other origin: the same one, or not a browser.
    Same,
    /// Another origin that is allowed.
    Allowed,
    /// Another origin that is not allowed.
    Foreign,
}

/// The origin of a request.
pub struct Cors<'a> {
    /// How it relates to this server.
    pub origin: Origin,
    said: Option<&'a HeaderValue>,
    /// Answers differ by origin.
    varies: bool,
}

impl<'a> Cors<'a> {
    /// Judges a request by the list of allowed origins.
    pub fn of<T>(allowed: &[String], request: &'a Request<T>) -> Cors<'a> {
        let said = request.headers().get(header::ORIGIN);
        let is = |origin: &HeaderValue| allowed.iter().any(|a| a.as_bytes() == origin.as_bytes());
        let origin = match said {
            None => Origin::Same,
            Some(origin) if is(origin) => Origin::Allowed,
            Some(origin) if is_own(origin, request) => Origin::Same,
            Some(_) => Origin::Foreign,
        };
        Cors {
            origin,
            said,
            varies: !allowed.is_empty(),
        }
    }

    /// Adds the headers that let an allowed page read the answer.
    pub fn admit(&self, headers: &mut HeaderMap) {
        if self.varies {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if let (Origin::Allowed, Some(origin)) = (self.origin, self.said) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            let yes = HeaderValue::from_static("true");
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
    }

    /// Answers OPTIONS: these methods, and these headers beside the safelisted
    /// ones, are allowed.
    pub fn preflight(&self, methods: &'static str, sent: &'static str) -> Reply {
        let mut reply = Response::new(Body::Whole(None));
        *reply.status_mut() = StatusCode::NO_CONTENT;
        let headers = reply.headers_mut();
        let mut set = |name: HeaderName, value| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        set(header::ALLOW, methods);
        if self.origin == Origin::Allowed {
            set(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            set(header::ACCESS_CONTROL_ALLOW_HEADERS, sent);
            set(header::ACCESS_CONTROL_MAX_AGE, "600");
        }
        reply
    }
}

/// Whether an origin has the host and port of the Host header, or in HTTP/2 of
/// `:authority`.
fn is_own<T>(origin: &HeaderValue, request: &Request<T>) -> bool {
    let origin = origin.to_str().ok().and_then(|o| o.split_once("://"));
    origin.is_some_and(|(_, authority)| asked_for(request) == Some(authority))
}
