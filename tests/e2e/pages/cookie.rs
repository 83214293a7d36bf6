//! A page signs in at its server, which sets a cookie; streams are on another port.

use super::page::Page;
use crate::edge::rig::{ANONYMOUS, Edge};
use crate::edge::tokens::{AUTH, SECRET, now, token};
use serde_json::json;

/// An edge that serves TLS, and its origin: `localhost`, as in its certificate.
fn edge(http: &str, auth: &str) -> (Edge<'static>, String) {
    let edge = Edge::over_tls(http, auth, |builder| builder.file("secret", SECRET));
    let address = edge.daemon.sse();
    let (_, port) = address.rsplit_once(':').unwrap();
    let origin = format!("https://localhost:{port}");
    (edge, origin)
}

/// A page of another origin, which the edge allows, and both servers.
struct Site {
    page: Page,
    /// The page's server. It only has to serve a page.
    _own: Edge<'static>,
    edge: Edge<'static>,
    origin: String,
}

impl Site {
    fn open() -> Self {
        let (own, at) = edge("", ANONYMOUS);
        let (edge, origin) = edge(&format!("cors-origins = [\"{at}\"]"), AUTH);
        Site {
            page: Page::of(&at),
            _own: own,
            edge,
            origin,
        }
    }

    /// Sets the cookie as a server does after a sign-in.
    fn sign_in(&mut self, token: &str) {
        let attributes = "Secure; Path=/; SameSite=Strict";
        let cookie = json!(format!("__Secure-millstream={token}; {attributes}"));
        self.page
            .0
            .eval(&format!("document.cookie = {cookie}; true"));
        let set = self
            .page
            .0
            .eval("document.cookie.includes('__Secure-millstream=')");
        assert_eq!(set, true, "the browser took the cookie");
    }

    fn watch(&mut self) {
        let source = "new EventSource('{}/v1/events', { withCredentials: true })";
        self.page.watch(&source.replace("{}", &self.origin));
    }
}

#[test]
fn only_a_signed_in_page_reads_across_origins() {
    let mut site = Site::open();
    site.watch();
    site.page.wait_closed(); // 401
    site.sign_in(&token(json!({ "sub": "ada" })));
    site.watch();
    site.page.wait_opened(1);
    site.edge.write("client:bob", "t", "not hers");
    let id = site.edge.write("client:ada", "t", "hers");
    site.page.assert_got(&[(&id, "hers")]);

    // Without credentials the browser sends no cookie.
    let plain = format!("new EventSource('{}/v1/events')", site.origin);
    site.page.watch(&plain);
    site.page.wait_closed();

    // An unlisted page gets nothing, although the browser sends its cookie.
    let (_other, foreign) = edge("", ANONYMOUS);
    let mut page = std::mem::replace(&mut site.page, Page::of(&foreign));
    site.sign_in(&token(json!({ "sub": "ada" })));
    site.watch();
    site.page.wait_closed();
    assert_eq!(site.page.0.eval("opened"), 0);
    assert_eq!(page.0.exceptions(), Vec::<String>::new());
}

#[test]
fn a_stream_ends_when_its_cookie_expires_and_the_module_continues_with_a_fresh_token() {
    let mut site = Site::open();
    site.sign_in(&token(json!({ "sub": "ada", "exp": now() + 4 })));
    site.watch();
    site.page.wait_opened(1);
    let first = site.edge.write("client:ada", "t", "before");
    site.page.assert_got(&[(&first, "before")]);
    site.page.wait_closed(); // it reconnected and got 401

    let fresh = json!({ "token": token(json!({ "sub": "ada" })) });
    let (origin, query) = (site.origin.clone(), format!("last-event-id={first}"));
    let second = site.edge.write("client:ada", "t", "meanwhile");
    site.page.watch_module(&origin, &query, &fresh.to_string());
    site.page
        .assert_got(&[(&first, "before"), (&second, "meanwhile")]);
}

#[test]
fn a_page_opens_many_streams_over_one_http2_connection() {
    // HTTP/1.1 allows six connections in a browser.
    const STREAMS: usize = 12;
    let mut site = Site::open();
    site.sign_in(&token(json!({ "sub": "ada" })));
    for _ in 0..STREAMS {
        site.watch();
    }
    site.page.wait_opened(STREAMS);
    assert_eq!(site.page.wait_protocols(STREAMS), ["h2"; STREAMS]);
    let id = site.edge.write("client:ada", "t", "one for each");
    let got = site.page.events(STREAMS);
    assert_eq!(got, vec![json!([id, "t", "one for each"]); STREAMS]);
}
