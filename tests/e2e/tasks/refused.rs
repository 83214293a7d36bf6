use super::rig::{Gateway, json_of};
use std::io::{Read, Write};
use std::net::TcpStream;

const JSON: (&str, &str) = ("content-type", "application/json");

/// Method, path, headers, body; the status, and a part of its text.
type Case<'a> = (
    &'a str,
    &'a str,
    &'a [(&'a str, &'a str)],
    &'a [u8],
    u16,
    &'a str,
);

#[test]
fn an_invalid_task_is_refused_with_a_reason() {
    let gateway = Gateway::start();
    let long = "k".repeat(256);
    let cases: [Case; 19] = [
        (
            "POST",
            "/v1/tasks?client=ada",
            &[],
            b"{}",
            415,
            "application/json",
        ),
        (
            "POST",
            "/v1/tasks?client=ada",
            &[("content-type", "text/plain")],
            b"{}",
            415,
            "Content-Type",
        ),
        (
            "POST",
            "/v1/tasks?client=ada",
            &[JSON],
            b"",
            400,
            "not JSON",
        ),
        ("POST", "/v1/tasks?client=ada", &[JSON], b"{", 400, "line 1"),
        (
            "POST",
            "/v1/tasks?client=ada",
            &[JSON],
            b"\xef\xbb\xbf{}",
            400,
            "a byte order mark",
        ),
        (
            "POST",
            "/v1/tasks?client=ada",
            &[JSON],
            b"{} {}",
            400,
            "trailing",
        ),
        (
            "POST",
            "/v1/tasks?client=ada",
            &[JSON],
            b"\"\xff\"",
            400,
            "UTF-8",
        ),
        (
            "POST",
            "/v1/tasks?client=ada",
            &[JSON, ("idempotency-key", "")],
            b"{}",
            400,
            "Idempotency-Key",
        ),
        (
            "POST",
            "/v1/tasks?client=ada",
            &[JSON, ("idempotency-key", &long)],
            b"{}",
            400,
            "255",
        ),
        (
            "POST",
            "/v1/tasks?client=ada",
            &[JSON, ("idempotency-key", "a"), ("idempotency-key", "b")],
            b"{}",
            400,
            "one",
        ),
        ("POST", "/v1/tasks", &[JSON], b"{}", 400, "client"),
        ("POST", "/v1/tasks?client=", &[JSON], b"{}", 400, "client"),
        (
            "POST",
            "/v1/tasks?client=a&client=b",
            &[JSON],
            b"{}",
            400,
            "twice",
        ),
        (
            "POST",
            "/v1/tasks?clientId=ada",
            &[JSON],
            b"{}",
            400,
            "`client`",
        ),
        ("GET", "/v1/tasks?client=ada", &[], b"", 405, "POST"),
        ("DELETE", "/v1/tasks/x?client=ada", &[], b"", 405, "GET"),
        ("POST", "/v1/tasks/x?client=ada", &[JSON], b"{}", 405, "GET"),
        (
            "GET",
            "/v1/tasks/?client=ada",
            &[],
            b"",
            404,
            "task not found",
        ),
        ("GET", "/v1/tasksx?client=ada", &[], b"", 404, "/v1/events"),
    ];
    for (method, path, headers, body, status, why) in cases {
        let answer = gateway.ask(method, path, headers, body);
        let shown = format!("{method} {path} {headers:?} {body:?}: {}", answer.text());
        assert_eq!(answer.status, status, "{shown}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        let detail = json_of(&answer)["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(why), "{shown}");
    }
    assert!(gateway.requests().is_empty());
    assert!(gateway.keys("task:").is_empty() && gateway.keys("due").is_empty());
    let kind = ("content-type", "Application/JSON; charset=utf-8");
    let answer = gateway.ask("POST", "/v1/tasks?client=ada", &[kind], b"{}");
    assert_eq!(answer.status, 202);
}

/// Sends this and reads the response until the other side closes.
fn raw(gateway: &Gateway, request: &str) -> String {
    let mut socket = TcpStream::connect(gateway.daemon.sse()).unwrap();
    socket.set_read_timeout(Some(super::SOON)).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_request_whose_body_never_arrives_or_never_ends_times_out() {
    let gateway = Gateway::with("max-body = \"1KiB\"", "");
    let head = "POST /v1/tasks?client=ada HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let half = raw(&gateway, &format!("{head}content-length: 10\r\n\r\n{{"));
    assert!(half.starts_with("HTTP/1.1 408 "), "{half}");
    let declared = raw(
        &gateway,
        &format!("{head}content-length: 99999999999\r\n\r\n{{"),
    );
    assert!(declared.starts_with("HTTP/1.1 413 "), "{declared}");
    let endless = format!(
        "{head}transfer-encoding: chunked\r\n\r\n400\r\n{0}\r\n400\r\n{0}\r\n",
        "1".repeat(1024)
    );
    let endless = raw(&gateway, &endless);
    assert!(endless.starts_with("HTTP/1.1 413 "), "{endless}");
    assert!(gateway.requests().is_empty());
    gateway.task("ada", "{}");
}

#[test]
fn a_client_over_the_rate_gets_retry_after_and_others_do_not() {
    let gateway = Gateway::with("rate = { per-second = 0.1, burst = 2 }", "");
    for _ in 0..2 {
        gateway.task("ada", "{}");
    }
    let limited = gateway.post("ada", &[], "{}");
    assert_eq!(limited.status, 429, "{}", limited.text());
    let seconds: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    gateway.task("bob", "{}");
    assert_eq!(gateway.requests().len(), 3);
}
