use crate::config::fixture::{ANONYMOUS, bad, good};
use std::path::Path;
use std::time::Duration;

#[test]
fn the_listener_has_good_defaults() {
    let http = good(ANONYMOUS).http;
    let s = Duration::from_secs;
    let times = [
        http.sse.heartbeat,
        http.sse.retry,
        http.sse.write_timeout,
        http.listener.head,
        http.sse.drain,
    ];
    assert_eq!(times, [s(15), s(2), s(20), s(10), s(3)]);
    assert_eq!(http.listener.write, http.sse.write_timeout);
    assert_eq!(http.listener.connections, usize::MAX);
    assert_eq!(http.sse.per_address, None);
    assert_eq!((http.sse.per_client, http.sse.groups), (32, 16));
    assert_eq!(http.sse.queued, 256 << 20);
    assert!(http.listener.tls.is_none() && http.presence_topic.is_none());
    assert!(http.sse.cors_origins.is_empty());
}

#[test]
fn every_key_of_the_listener_is_read() {
    let http = format!(
        "{ANONYMOUS}{}",
        r#"
[http]
cors-origins = ["https://app.example.com", "http://localhost:3000"]
heartbeat = "1s"
retry = "100ms"
write-timeout = "10m"
header-timeout = "1s"
drain = "0s"
max-connections = 1000
max-connections-per-client = 1
max-connections-per-address = 5
max-queued = "1GiB"
max-groups = 0
presence-topic = "presence"
tls = { certificate = "cert.pem", key = "/keys/key.pem" }
"#
    );
    let http = good(&http).http;
    assert_eq!(
        http.sse.cors_origins,
        ["https://app.example.com", "http://localhost:3000"]
    );
    assert_eq!(
        (http.sse.retry, http.sse.drain),
        (Duration::from_millis(100), Duration::ZERO)
    );
    assert_eq!(
        (http.listener.connections, http.sse.per_address),
        (1000, Some(5))
    );
    assert_eq!(http.presence_topic.as_deref(), Some("presence"));
    let tls = http.listener.tls.expect("tls");
    assert_eq!(tls.certificate, Path::new("/etc/cert.pem"));
    assert_eq!(tls.key, Path::new("/keys/key.pem"));
}

#[test]
fn errors_in_the_listener_name_the_cause() {
    for (line, says) in [
        ("cors-origins = [\"*\"]", "visitor's cookie"),
        (
            "cors-origins = [\"https://app.example.com/\"]",
            "has no path",
        ),
        (
            "cors-origins = \"https://app.example.com\"",
            "expected a list, such as [",
        ),
        ("heartbeat = \"0s\"", "expected a time from 1s to 5m"),
        ("heartbeat = \"6m\"", "expected a time from 1s to 5m"),
        ("heartbeat = 15", "expected a time such as \"15s\""),
        ("retry = \"99ms\"", "expected a time from 100ms to 1m"),
        ("write-timeout = \"11m\"", "expected a time from 1s to 10m"),
        ("header-timeout = \"0s\"", "expected a time from 1s to 1m"),
        ("drain = \"1h\"", "expected a time from 0s to 5m"),
        ("max-connections = 0", "expected a number from 1"),
        ("max-connections-per-client = 0", "expected a number from 1"),
        ("max-queued = \"1KiB\"", "expected a size from 1024KiB"),
        ("max-queued = 7", "expected a size such as \"64MiB\""),
        ("tls = true", "expected { certificate = "),
        ("max-groups = 65", "expected a number from 0 to 64"),
        ("presence-topic = \"a b\"", "invalid topic `a b`"),
        ("tls = { certificate = \"c\" }", "missing field `key`"),
        (
            "tls = { cert = \"c\", key = \"k\" }",
            "unknown field `cert`",
        ),
        ("hartbeat = \"1s\"", "did you mean `heartbeat`?"),
    ] {
        bad(&format!("{ANONYMOUS}[http]\n{line}\n"), 12, &[says]);
    }
}
