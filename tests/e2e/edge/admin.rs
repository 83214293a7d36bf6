//! Admin calls about clients: list connections, disconnect, delete streams.

use super::SOON;
use super::rig::Edge;
use millstream_tests::wait_until;
use serde_json::json;

#[test]
fn connections_are_listed_with_their_cursors() {
    let edge = Edge::start();
    let (mut ada, _) = edge.open("client=ada&groups=news", &[]);
    let (_bob, _) = edge.open("client=bob", &[]);
    let id = edge.write("client:ada", "t", "1");
    ada.events(1, SOON);
    let (status, listed) = edge.call("GET", "/v1/clients", &[]);
    assert_eq!((status, &listed["count"]), (200, &json!(2)));
    let ada = &listed["connections"][0];
    let expected = json!({
        "client": "ada",
        "address": "127.0.0.1",
        "since": ada["since"],
        "groups": ["news"],
        "cursor": format!("{id},news=0-0"),
        "queued-bytes": 0,
        "behind-ms": 0,
    });
    assert_eq!(*ada, expected);
    assert!(ada["since"].as_u64().unwrap() > 1_700_000_000);
    let (_, one) = edge.call("GET", "/v1/clients/bob", &[]);
    assert_eq!(one["connections"][0]["client"], "bob");
    let (_, few) = edge.call("GET", "/v1/clients?limit=1", &[]);
    assert_eq!(
        (&few["count"], few["connections"].as_array().unwrap().len()),
        (&json!(2), 1)
    );
    let (_, none) = edge.call("GET", "/v1/clients/nobody", &[]);
    assert_eq!(none, json!({ "count": 0, "connections": [] }));
}

#[test]
fn a_client_is_disconnected_on_every_edge_and_may_reconnect() {
    let edge = Edge::start();
    let other = edge.beside();
    let odd = "client=a%20b%2Fc";
    let open = [edge.open(odd, &[]), other.open(odd, &[])];
    let (mut stays, _) = edge.open("client=stays", &[]);
    let (status, _) = edge.call("POST", "/v1/clients/a%20b%2Fc/disconnect", &[]);
    assert_eq!(status, 200);
    for (mut sse, _) in open {
        let frame = sse.next(SOON).unwrap();
        assert!(frame.retry.is_some(), "{frame:?}");
        assert_eq!((sse.next(SOON), sse.end()), (None, Some("complete")));
    }
    edge.write("client:stays", "t", "on");
    assert_eq!(super::rig::next(&mut stays), "on");
    drop(edge.open(odd, &[]));
}

#[test]
fn invalid_calls_are_refused_with_a_reason() {
    let edge = Edge::start();
    for (method, path, headers, status) in [
        ("POST", "/v1/clients", &[][..], 405),
        ("GET", "/v1/clients/ada/disconnect", &[], 405),
        ("GET", "/v1/clients/ada/stream", &[], 405),
        ("DELETE", "/v1/clients/ada", &[], 405),
        ("DELETE", "/v1/clients/%00/stream", &[], 400),
        ("POST", "/v1/clients/%00/disconnect", &[], 400),
        ("POST", "/v1/clients/ada/revoke?before=soon", &[], 400),
        ("GET", "/v1/clients?limit=x", &[], 400),
        ("POST", "/v1/clients/ada/disconect", &[], 404),
        ("GET", "/v1/clients/ada/disconect", &[], 404),
        ("DELETE", "/v1/clients/ada/stream/1", &[], 404),
        // A page in a browser must not be able to make these calls.
        (
            "POST",
            "/v1/clients/ada/disconnect",
            &[("origin", "https://evil.example")],
            403,
        ),
        (
            "DELETE",
            "/v1/clients/ada/stream",
            &[("origin", "https://evil.example")],
            403,
        ),
    ] {
        let (answered, problem) = edge.call(method, path, headers);
        assert_eq!(
            (answered, &problem["status"]),
            (status, &json!(status)),
            "{method} {path}"
        );
        if status == 404 {
            let detail = problem["detail"].as_str().unwrap();
            let all = ["disconnect", "revoke", "stream"];
            assert!(all.iter().all(|act| detail.contains(act)), "{detail}");
        }
    }
}

#[test]
fn open_connections_continue_after_their_stream_is_deleted() {
    let edge = Edge::start();
    let (mut live, begin) = edge.open("client=a%20b", &[]);
    let first = edge.write("client:a b", "t", "1");
    assert_eq!(super::rig::next(&mut live), "1");
    let delete = || edge.call("DELETE", "/v1/clients/a%20b/stream", &[]);
    assert_eq!(delete(), (200, json!({ "removed": 1 })));
    assert_eq!(delete(), (200, json!({ "removed": 0 })));
    edge.write("client:a b", "t", "2");
    assert_eq!(super::rig::next(&mut live), "2");
    // A client that was away gets a gap event.
    for id in [begin, first] {
        let (mut back, _) = edge.open("client=a%20b", &[("last-event-id", &id)]);
        let told = back.events(2, SOON);
        super::rig::gap(&told[0]);
        assert_eq!(told[1].data.as_deref(), Some("2"));
    }
}

#[test]
fn a_closed_connection_leaves_the_list() {
    let edge = Edge::start();
    let (sse, _) = edge.open("client=ada", &[]);
    drop(sse);
    wait_until("the list is empty", SOON, || {
        let (_, listed) = edge.call("GET", "/v1/clients", &[]);
        (listed["count"] == 0).then_some(())
    });
}
