//! Checks the Host header.
//!
//! A page can let its host name resolve to 127.0.0.1 after it is loaded (DNS
//! rebinding); the browser then takes this listener for the page's own server.
//! So without authentication only names that nobody else can own are accepted.

use super::{Because, Handler, Incoming, Peer, Reply, Request, StatusCode, header, problem};
use header::HeaderValue;
use hyper::http::uri::Authority;
use std::net::IpAddr;

/// Answers only requests whose Host header is localhost or an IP address.
pub struct HostGuard<H> {
    /// The handler behind the guard.
    pub handler: H,
    /// Whether any host name is accepted.
    pub any_name: bool,
    /// The setting that accepts any host name, for the refusal's text.
    pub otherwise: &'static str,
}

impl<H: Handler> Handler for HostGuard<H> {
    async fn handle(&self, request: Request<Incoming>, peer: Peer) -> Reply {
        if self.any_name || asked_for(&request).is_none_or(is_ours) {
            return self.handler.handle(request, peer).await;
        }
        let why = format!(
            "Host header not allowed: without authentication only localhost or an IP address is \
             accepted; {}",
            self.otherwise
        );
        let reply = problem(StatusCode::MISDIRECTED_REQUEST, &why);
        Because::on(
            "host",
            "its Host header is neither localhost nor an IP address",
            reply,
        )
    }
}

/// The host that a request names, with its port; `None` if it names none, which
/// no browser does.
pub fn asked_for<T>(request: &Request<T>) -> Option<&str> {
    let host = request.headers().get(header::HOST);
    let host = host.map(HeaderValue::to_str);
    match host {
        Some(host) => Some(host.unwrap_or("?")),
        None => request.uri().authority().map(Authority::as_str),
    }
}

/// Whether a page of another site sent the request, as browsers say
/// (<https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>). curl does not
/// send the header and is allowed.
pub fn is_cross_site<T>(request: &Request<T>) -> bool {
    let site = request.headers().get("sec-fetch-site");
    site.is_some_and(|site| site != "same-origin")
}

/// Whether nobody else can own this name.
fn is_ours(host: &str) -> bool {
    let bare = host.rsplit_once(':').filter(|(_, port)| is_port(port));
    let name = bare.map_or(host, |(name, _)| name);
    let inner = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
    let name = name.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || inner.unwrap_or(&name).parse::<IpAddr>().is_ok()
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn addresses_and_localhost_are_accepted_and_names_are_not() {
        for ours in [
            "localhost",
            "LocalHost:8080",
            "app.localhost:1",
            "127.0.0.1",
            "127.0.0.1:8080",
            "192.168.0.7:80",
            "[::1]",
            "[::1]:8080",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8080",
            "evillocalhost",
            "?",
            "",
            ":8080",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
