//! HEAD and the `Allow` header of 405 answers on the admin listener; `protocol` tests those of
//! streams.

use super::rig::Edge;
use millstream_tests::{Response, request};

fn ask(edge: &Edge, method: &str, path: &str) -> Response {
    request(method, &edge.daemon.admin(), path, &[], b"").unwrap()
}

const READ: [&str; 5] = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/clients",
    "/v1/clients/ada",
];

#[test]
fn head_is_answered_like_get_without_the_body() {
    let edge = Edge::start();
    for path in READ {
        let (get, head) = (ask(&edge, "GET", path), ask(&edge, "HEAD", path));
        assert_eq!((head.status, get.status), (200, 200), "{path}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
        assert!(head.body.is_empty() && !get.body.is_empty(), "{path}");
        let length = head.header("content-length").unwrap();
        assert_ne!(length, "0", "{path}: the length of the body of GET");
    }
}

#[test]
fn a_refused_method_gets_the_list_of_allowed_ones() {
    let edge = Edge::start();
    let allowed = |method: &str, path: &str| {
        let answer = ask(&edge, method, path);
        assert_eq!(answer.status, 405, "{method} {path}");
        answer.header("allow").unwrap_or_default().to_owned()
    };
    for path in READ {
        for method in ["POST", "PUT", "DELETE"] {
            assert_eq!(allowed(method, path), "GET, HEAD", "{method} {path}");
        }
    }
    for method in ["GET", "HEAD"] {
        assert_eq!(allowed(method, "/v1/clients/ada/disconnect"), "POST");
        assert_eq!(allowed(method, "/v1/clients/ada/stream"), "DELETE");
    }
    assert_eq!(ask(&edge, "POST", "/no-such-path").status, 404);
}
