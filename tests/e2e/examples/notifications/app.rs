//! The app: what it accepts and what it answers.

use super::SOON;
use super::rig::{App, Rig};
use crate::examples::example;
use millstream_tests::{
    Log, Process, create_topic, free_port, get, python, read_all, request, servers, wait_until,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::Stdio;

#[test]
fn notifications_reach_connected_clients_and_others_get_no_stream() {
    let rig = Rig::start();
    let mut ada = rig.connect("ada");
    rig.app.notify(&["ada", "grace"], 5, "hello");
    for event in ada.events(5, SOON) {
        assert_eq!(event.event.as_deref(), Some("notification"));
        assert!(event.data.unwrap().contains(r#""message":"hello""#));
    }
    // The record of ada that follows all records of grace proves that those were processed.
    rig.app.notify(&["grace"], 5, "hello");
    rig.app.notify(&["ada"], 1, "last");
    ada.events(1, SOON);
    assert_eq!(rig.stored("ada").len(), 6);
    assert_eq!(rig.stored("grace"), []);
}

#[test]
fn invalid_notifications_are_refused_with_a_reason() {
    let topic = create_topic("notify", 1);
    let app = App::start(&servers().kafka, &topic, free_port(), None);
    let many = json!({ "clients": vec!["a"; 101] }).to_string();
    let total =
        json!({ "clients": (0..11).map(|n| n.to_string()).collect::<Vec<_>>(), "count": 1000 });
    let long = json!({ "clients": ["a".repeat(257)] }).to_string();
    let large = json!({ "clients": ["a"], "message": "x".repeat(70_000) }).to_string();
    for (body, status, says) in [
        ("", 400, "not JSON"),
        ("[]", 400, "not a JSON object"),
        ("{}", 400, "`clients` must be a list"),
        (r#"{"clients": []}"#, 400, "`clients` must be a list"),
        (r#"{"clients": "ada"}"#, 400, "`clients` must be a list"),
        (r#"{"clients": [7]}"#, 400, "a client id must be a string"),
        (r#"{"clients": [""]}"#, 400, "a client id must be a string"),
        (
            r#"{"clients": ["a\nb"]}"#,
            400,
            "a client id must be a string",
        ),
        (
            r#"{"clients": ["\ud800"]}"#,
            400,
            "a client id must be a string",
        ),
        (&long, 400, "a client id must be a string"),
        (&many, 400, "`clients` must be a list"),
        (r#"{"clients": ["a"], "count": 0}"#, 400, "`count` must be"),
        (
            r#"{"clients": ["a"], "count": true}"#,
            400,
            "`count` must be",
        ),
        (
            r#"{"clients": ["a"], "count": 1.5}"#,
            400,
            "`count` must be",
        ),
        (&total.to_string(), 400, "more than 10000"),
        (
            r#"{"clients": ["a"], "type": "gap"}"#,
            400,
            "`type` must be one of",
        ),
        (
            r#"{"clients": ["a"], "message": ""}"#,
            400,
            "`message` must be",
        ),
        (
            r#"{"clients": ["a"], "cuont": 2}"#,
            400,
            "unknown field `cuont`",
        ),
        (&large, 413, "the body is too large: at most"),
    ] {
        let answer = app.post(body);
        assert_eq!(answer.status, status, "{body:.200}: {}", answer.text());
        assert!(
            answer.text().contains(says),
            "{body:.200}: {}",
            answer.text()
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
    }
    let plain = [("content-type", "text/plain")];
    let plain = request("POST", &app.address, "/notifications", &plain, b"{}").unwrap();
    assert_eq!(
        plain.status, 415,
        "a page of another site can send this content type"
    );
    assert_eq!(get(&app.address, "/etc/passwd").status, 404);
    assert!(read_all(&topic).is_empty());
    app.process.signal(Signal::TERM);
    assert!(app.process.wait_exit("the app", SOON).success());
}

#[test]
fn notifications_that_kafka_does_not_acknowledge_get_503() {
    let kafka = servers().own_kafka(&[]);
    let topic = kafka.create_topic("notify", 1);
    let app = App::start(&kafka, &topic, free_port(), None);
    app.notify(&["ada"], 1, "before");
    kafka.pause();
    let answer = app.post(r#"{"clients": ["ada", "grace"], "count": 2}"#);
    kafka.resume();
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some("5"));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["acknowledged"], json!({ "ada": 0, "grace": 0 }));
    let detail = body["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("Kafka did not acknowledge 4 of 4"),
        "{detail}"
    );
    app.notify(&["ada"], 1, "after");
}

#[test]
fn a_port_in_use_is_reported_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = python(&example("notifications").join("app.py"));
    command.args(["--port", &port]).stderr(Stdio::piped());
    let app = Process::start(command);
    let errors = Log::of(app.take_stderr().unwrap());
    assert_eq!(app.wait_exit("the app", SOON).code(), Some(1));
    wait_until("its standard error ends", SOON, || {
        errors.has_ended().then_some(())
    });
    let [line] = &errors.lines()[..] else {
        panic!("expected one line: {}", errors.tail(40));
    };
    assert!(line.contains(&port) && line.contains("--port"), "{line}");
}
