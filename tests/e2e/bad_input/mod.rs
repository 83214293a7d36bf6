//! Bad input: invalid configurations, ports in use, unreachable servers, unreadable records.

mod absent;
mod configs;
mod environment;
mod local;
mod log_filter;
mod marks;
mod records;
mod secrets;
mod tombstones;

use millstream_tests::Message;
use serde_json::json;
use std::time::Duration;

/// A limit for failing tests, not an expectation of speed.
const LONG: Duration = Duration::from_secs(120);
/// How long an error message may take: people wait for it.
const SECONDS: Duration = Duration::from_secs(20);

const USAGE: i32 = 64;

/// A pipeline that reads one topic with `bundled:notifications`.
fn config(kafka: &str, redis: &str, topic: &str, prefix: &str) -> String {
    let rest = "name = \"notes\"\ntransform = { plugin = \"bundled:notifications\" }";
    millstream_tests::config(kafka, redis, topic, prefix, rest)
}

fn note(client: &str, id: usize) -> Message {
    let value = json!({
        "eventId": id.to_string(), "eventType": "mail", "clientId": client, "message": "hi"
    });
    Message::new(value.to_string()).partition(0)
}
