//! Methods, media types, origins, host names, and the size of requests.

use super::SOON;
use super::rig::{ANONYMOUS, Edge};
use millstream_tests::{Response, request};
use serde_json::Value;

const EVENTS: &str = "/v1/events?client=ada";

fn ask(edge: &Edge, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    request(method, &edge.daemon.sse(), path, headers, b"").unwrap()
}

#[test]
fn each_method_gets_the_right_answer() {
    let edge = Edge::start();
    let head = ask(&edge, "HEAD", EVENTS, &[]);
    let (mut get, _) = edge.open("client=ada", &[]);
    assert_eq!(head.status, 200);
    for name in [
        "content-type",
        "cache-control",
        "x-accel-buffering",
        "x-content-type-options",
    ] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert_eq!(get.header("content-type"), Some("text/event-stream"));
    assert_eq!(get.header("cache-control"), Some("no-store"));
    assert_eq!(get.header("x-accel-buffering"), Some("no"));
    let options = ask(&edge, "OPTIONS", EVENTS, &[]);
    assert_eq!(
        (options.status, options.header("allow")),
        (204, Some("GET, HEAD, OPTIONS"))
    );
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let refused = ask(&edge, method, EVENTS, &[]);
        assert_eq!(
            (refused.status, refused.header("allow")),
            (405, Some("GET, HEAD, OPTIONS"))
        );
    }
    edge.write("client:ada", "t", "on");
    assert_eq!(super::rig::next(&mut get), "on");
}

#[test]
fn a_request_that_does_not_accept_event_streams_gets_406() {
    let edge = Edge::start();
    for (accept, status) in [
        ("text/event-stream", 200),
        ("text/*", 200),
        ("*/*", 200),
        ("application/json, text/event-stream;q=0.5", 200),
        ("application/json", 406),
        ("text/event-stream;q=0", 406),
        ("*/*, text/event-stream;q=0", 406),
        ("text/html, image/png", 406),
    ] {
        let answer = ask(&edge, "HEAD", EVENTS, &[("accept", accept)]);
        assert_eq!(answer.status, status, "{accept}");
    }
}

#[test]
fn errors_are_problem_json() {
    let edge = Edge::start();
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/v1/events", 400),
        ("GET", "/v1/events?client=ada&last-event-id=x", 400),
        ("GET", "/v1/events?client=ada&token=secret", 400),
        ("POST", EVENTS, 405),
    ] {
        let answer = ask(&edge, method, path, &[]);
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (answer.status, problem["status"].as_u64()),
            (status, Some(status.into()))
        );
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        assert!(!answer.text().contains("secret"));
    }
}

#[test]
fn errors_name_the_missing_parameter_or_table() {
    let edge = Edge::start();
    let detail = |method: &str, path: &str, status: u16| {
        let answer = ask(&edge, method, path, &[]);
        assert_eq!(answer.status, status, "{path}");
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        problem["detail"].as_str().unwrap().to_owned()
    };
    // A client id is requested in the same words for streams and tasks.
    let client = detail("GET", "/v1/events", 400);
    assert!(client.contains("?client=<id>"), "{client}");
    assert!(!client.contains("/v1/"), "{client}");
    for path in ["/v1/tasks", "/v1/tasks?client=ada", "/v1/tasks/1"] {
        let tasks = detail("POST", path, 404);
        assert!(tasks.contains("[tasks]"), "{tasks}");
    }
}

#[test]
fn pages_of_listed_origins_may_read_streams() {
    let http = r#"cors-origins = ["https://app.example.com"]"#;
    let edge = Edge::with(http, ANONYMOUS);
    let cors = |answer: &Response| {
        let origin = answer
            .header("access-control-allow-origin")
            .map(str::to_owned);
        (
            origin,
            answer
                .header("access-control-allow-credentials")
                .map(str::to_owned),
        )
    };
    let allowed = [("origin", "https://app.example.com")];
    let preflight = ask(&edge, "OPTIONS", EVENTS, &allowed);
    assert_eq!(preflight.status, 204);
    let headers = preflight.header("access-control-allow-headers").unwrap();
    assert!(headers.contains("authorization") && headers.contains("last-event-id"));
    let got = ask(&edge, "HEAD", EVENTS, &allowed);
    for answer in [&preflight, &got] {
        let expected = Some("https://app.example.com".to_owned());
        assert_eq!(cors(answer), (expected, Some("true".to_owned())));
        assert_eq!(answer.header("vary"), Some("origin"));
    }
    for origin in [
        "https://evil.example.com",
        "http://app.example.com",
        "null",
        "https://app.example.com.evil.com",
    ] {
        let answer = ask(&edge, "HEAD", EVENTS, &[("origin", origin)]);
        assert_eq!(
            (cors(&answer), answer.header("vary")),
            ((None, None), Some("origin"))
        );
        let answer = ask(&edge, "OPTIONS", EVENTS, &[("origin", origin)]);
        assert_eq!(answer.header("access-control-allow-methods"), None);
    }
    // The page can read errors, too.
    let wrong = ask(&edge, "GET", "/v1/events", &allowed);
    assert_eq!((wrong.status, cors(&wrong).0.is_some()), (400, true));
}

#[test]
fn an_http_1_0_client_gets_its_stream_until_the_connection_ends() {
    use std::io::{Read, Write};
    let edge = Edge::start();
    let mut socket = std::net::TcpStream::connect(edge.daemon.sse()).unwrap();
    socket
        .write_all(b"GET /v1/events?client=ada HTTP/1.0\r\n\r\n")
        .unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    let mut text = String::new();
    let mut read_until = |wanted: &str, text: &mut String| {
        let mut buffer = [0; 4096];
        while !text.contains(wanted) {
            let read = socket.read(&mut buffer).unwrap();
            *text += std::str::from_utf8(&buffer[..read]).unwrap();
        }
    };
    read_until("retry:", &mut text);
    let id = edge.write("client:ada", "t", "on");
    read_until("data: on\n\n", &mut text);
    edge.call("POST", "/v1/clients/ada/disconnect", &[]);
    socket.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("HTTP/1.0 200") && !head.contains("chunked"),
        "{head}"
    );
    assert!(
        body.contains(&format!("id: {id}\nevent: t\ndata: on\n\n")),
        "{body}"
    );
}

/// A browser sends more headers when it reconnects. An EventSource that is refused then does not
/// try again.
#[test]
fn a_client_with_large_headers_can_reconnect_with_its_cursor() {
    let edge = Edge::start();
    let group = |n: usize| format!("{n:x}").repeat(128)[..128].to_owned();
    let groups: Vec<String> = (1..17).map(group).collect();
    let query = format!("client=ada&groups={}", groups.join(","));
    let cookie = format!("other={}", "x".repeat(5 << 10));
    let (mut sse, _) = edge.open(&query, &[("cookie", &cookie)]);
    let id = edge.write("client:ada", "t", "one");
    assert_eq!(super::rig::next(&mut sse), "one");
    let places: String = groups.iter().map(|group| format!(",{group}=0-0")).collect();
    let cursor = format!("{id}{places}");
    drop(sse);
    edge.write("client:ada", "t", "two");
    let (mut sse, _) = edge.open(&query, &[("cookie", &cookie), ("Last-Event-ID", &cursor)]);
    assert_eq!(super::rig::next(&mut sse), "two");
}

/// The host name of a page may resolve to 127.0.0.1, so that it sends requests of the same origin.
#[test]
fn without_authentication_only_loopback_host_names_are_accepted() {
    let edge = Edge::start();
    let by = |address: &str, path: &str, host: &str| {
        let headers = [("host", host)];
        request("GET", address, path, &headers, b"").unwrap().status
    };
    let (sse, admin) = (edge.daemon.sse(), edge.daemon.admin());
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let host = format!("{host}:8080");
        assert_eq!(by(&sse, "/v1/millstream.js", &host), 200, "{host}");
        assert_eq!(by(&admin, "/v1/clients", &host), 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example"] {
        let host = format!("{host}:8080");
        for path in [EVENTS, "/v1/millstream.js", "/v1/tasks?client=ada"] {
            assert_eq!(by(&sse, path, &host), 421, "{host}");
        }
        assert_eq!(by(&admin, "/v1/clients", &host), 421, "{host}");
    }
    let open = Edge::with("allow-unauthenticated = true", ANONYMOUS);
    assert_eq!(
        by(&open.daemon.sse(), "/v1/millstream.js", "app.example"),
        200
    );
    let tokens = super::tokens::edge();
    assert_eq!(by(&tokens.daemon.sse(), "/v1/events", "app.example"), 401);
}
