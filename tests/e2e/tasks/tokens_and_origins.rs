//! Tokens and origins.

use super::rig::{Gateway, id_of};
use crate::edge::tokens::{AUTH, SECRET, token};
use millstream_tests::{Daemon, request, wait_until};
use serde_json::json;

const PAGE: &str = "https://shop.example.com";

fn gateway() -> Gateway {
    Gateway::made("", "", |config| {
        let config = config.replace("[auth]\nanonymous = true", AUTH);
        let origins = format!("[http]\ncors-origins = [\"{PAGE}\"]");
        Daemon::builder(&config.replace("[http]", &origins)).file("secret", SECRET)
    })
}

fn post(gateway: &Gateway, headers: &[(&str, &str)]) -> millstream_tests::Response {
    let headers = [&[("content-type", "application/json")], headers].concat();
    gateway.ask("POST", "/v1/tasks", &headers, b"{}")
}

#[test]
fn a_task_is_visible_only_to_its_tokens_client() {
    let gateway = gateway();
    let bearer = |client: &str| format!("Bearer {}", token(json!({ "sub": client })));
    let (ada, bob) = (bearer("ada"), bearer("bob"));
    assert_eq!(post(&gateway, &[]).status, 401);
    assert_eq!(post(&gateway, &[("authorization", "Bearer x")]).status, 401);
    let id = id_of(&post(&gateway, &[("authorization", &ada)]));
    let requests = gateway.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("millstream.client"), Some("ada"));
    let path = format!("/v1/tasks/{id}");
    let get = |headers: &[(&str, &str)]| gateway.ask("GET", &path, headers, b"").status;
    assert_eq!(get(&[]), 401);
    assert_eq!(get(&[("authorization", &bob)]), 404);
    assert_eq!(get(&[("authorization", &ada)]), 200);
    let for_bob = gateway.ask(
        "GET",
        &format!("{path}?client=bob"),
        &[("authorization", &ada)],
        b"",
    );
    assert_eq!(for_bob.status, 403);
    // A revoked token is refused here too.
    let revoke = request(
        "POST",
        &gateway.daemon.admin(),
        "/v1/clients/ada/revoke",
        &[],
        b"",
    );
    assert_eq!(revoke.unwrap().status, 200);
    wait_until("the revocation arrives", super::SOON, || {
        (get(&[("authorization", &ada)]) == 401).then_some(())
    });
    assert_eq!(post(&gateway, &[("authorization", &ada)]).status, 401);
}

#[test]
fn only_listed_origins_can_send_tasks() {
    let gateway = gateway();
    let ada = format!("Bearer {}", token(json!({ "sub": "ada" })));
    let asked = |origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
        ];
        gateway.ask("OPTIONS", "/v1/tasks", &headers, b"")
    };
    let admitted = asked(PAGE);
    assert_eq!(admitted.status, 204);
    assert_eq!(admitted.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(
        admitted.header("access-control-allow-methods"),
        Some("POST, OPTIONS")
    );
    let sent = admitted.header("access-control-allow-headers").unwrap();
    assert!(
        ["content-type", "idempotency-key", "authorization"]
            .iter()
            .all(|h| sent.contains(h))
    );
    assert_eq!(
        asked("https://evil.example.com").header("access-control-allow-origin"),
        None
    );

    let from = |origin| post(&gateway, &[("authorization", &ada), ("origin", origin)]);
    let taken = from(PAGE);
    assert_eq!(taken.status, 202);
    assert_eq!(
        taken.header("access-control-expose-headers"),
        Some("location, retry-after")
    );
    assert_eq!(from("https://evil.example.com").status, 403);
    assert_eq!(gateway.requests().len(), 1);
}

/// Also without tokens: any page in a browser may post to loopback.
#[test]
fn an_unlisted_origin_can_not_send_tasks_without_token_auth_either() {
    let gateway = Gateway::start();
    let answer = gateway.post("ada", &[("origin", PAGE)], "{}");
    assert_eq!(answer.status, 403, "{}", answer.text());
    let own = format!("http://{}", gateway.daemon.sse());
    assert_eq!(gateway.post("ada", &[("origin", &own)], "{}").status, 202);
}
