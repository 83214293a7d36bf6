//! Refused requests are counted by reason and logged.

use super::SOON;
use super::rig::Edge;
use super::tokens::{AUTH, SECRET, edge, now, token};
use millstream_tests::{metrics, wait_until};
use serde_json::json;

fn count(edge: &Edge, reason: &str) -> f64 {
    let labels = ["listener=\"sse\"", &format!("reason=\"{reason}\"")];
    metrics(&edge.daemon.admin()).sum("millstream_auth_refused_total", &labels)
}

#[test]
fn refusals_are_counted_by_reason_and_logged_with_the_address() {
    let edge = edge();
    let good = token(json!({ "sub": "ada" }));
    let revoked = token(json!({ "sub": "eve" }));
    let (status, _) = edge.call("POST", "/v1/clients/eve/revoke", &[]);
    assert_eq!(status, 200);
    let all = || metrics(&edge.daemon.admin()).sum("millstream_auth_refused_total", &[]);
    for (reason, query, given) in [
        ("no-token", "", None),
        ("bad-token", "", Some("x.y.z".to_owned())),
        (
            "signature",
            "",
            Some(format!("{}AAAA", &good[..good.len() - 4])),
        ),
        (
            "expired",
            "",
            Some(token(json!({ "sub": "ada", "exp": now() - 60 }))),
        ),
        (
            "not-yet",
            "",
            Some(token(json!({ "sub": "ada", "nbf": now() + 60 }))),
        ),
        (
            "issuer",
            "",
            Some(token(
                json!({ "sub": "ada", "iss": "https://evil.example" }),
            )),
        ),
        (
            "audience",
            "",
            Some(token(json!({ "sub": "ada", "aud": "mail" }))),
        ),
        ("claims", "", Some(token(json!({})))),
        ("other-client", "client=bob", Some(good.clone())),
        ("other-group", "groups=news", Some(good.clone())),
        ("token-in-url", "token=secret", Some(good.clone())),
    ] {
        let header = given.map(|token| format!("Bearer {token}"));
        let header = header.as_ref().map(|token| ("authorization", &**token));
        let status = edge.ask(query, header.as_slice()).status;
        assert!((400..404).contains(&status), "{reason}: {status}");
        assert_eq!(count(&edge, reason), 1.0, "{reason}");
        let line = edge.daemon.wait_log(&format!("class=\"{reason}\""), SOON);
        let told = ["WARN", "refused a request", "127.0.0.1", "listener=\"sse\""];
        assert!(told.iter().all(|part| line.contains(part)), "{line}");
    }
    let authorization = format!("Bearer {revoked}");
    wait_until("the revocation takes effect", SOON, || {
        let status = edge.ask("", &[("authorization", &authorization)]).status;
        (status == 401).then_some(())
    });
    assert!(count(&edge, "revoked") >= 1.0);
    // Accepted requests and malformed ones do not count as refused.
    let before = all();
    let authorization = format!("Bearer {good}");
    drop(edge.open("", &[("authorization", &authorization)]));
    assert_eq!(
        edge.ask("from=x", &[("authorization", &authorization)])
            .status,
        400
    );
    assert_eq!(all(), before);
    assert!(!edge.daemon.log_contains(&good));
}

#[test]
fn a_request_from_another_origin_is_counted_as_refused() {
    let http = "cors-origins = [\"https://app.example.com\"]";
    let edge = Edge::made(http, AUTH, |builder| builder.file("secret", SECRET));
    let headers = [("origin", "https://evil.example")];
    assert_eq!(edge.ask("", &headers).status, 403);
    assert_eq!(count(&edge, "origin"), 1.0);
}

#[test]
fn the_admin_listener_counts_its_refusals_separately() {
    let edge = Edge::start();
    let headers = [("origin", "https://evil.example")];
    let (status, _) = edge.call("POST", "/v1/clients/ada/disconnect", &headers);
    assert_eq!(status, 403);
    let headers = [("host", "evil.example")];
    assert_eq!(edge.call("GET", "/v1/clients", &headers).0, 421);
    let metrics = metrics(&edge.daemon.admin());
    for reason in ["origin", "host"] {
        let labels = ["listener=\"admin\"", &format!("reason=\"{reason}\"")];
        assert_eq!(metrics.sum("millstream_auth_refused_total", &labels), 1.0);
    }
}
