//! Delivery when something is lost, recreated or broken, and the commands and settings for these
//! cases.

mod attempts;
mod breaker;
mod dead_letters;
mod emptied;
mod foreign;
mod groups;
mod latest;
mod letter_topics;
mod logged;
mod lost_records;
mod measured;
mod oversize;
mod parked;
mod remade;
mod replayed;
mod suppressed;

use millstream_tests::{Daemon, Message, Redis, get, metrics, wait_until};
use serde_json::{Value, json};
use std::process::Output;
use std::time::Duration;

/// A limit for failing tests, not an expectation of speed.
const LONG: Duration = Duration::from_secs(120);

/// A pipeline that reads one topic with `bundled:notifications`; `more` are further keys and tables
/// of the pipeline.
fn config(kafka: &str, redis: &str, topic: &str, prefix: &str, more: &str) -> String {
    let transform = r#"transform = { plugin = "bundled:notifications" }"#;
    let rest = format!("name = \"notes\"\n{transform}\n{more}");
    millstream_tests::config(kafka, redis, topic, prefix, &rest)
}

/// A record of partition 0 for the client `ada`.
fn note(id: i64) -> Message {
    let value = json!({
        "eventId": id.to_string(), "eventType": "mail", "clientId": "ada", "message": "hi"
    });
    Message::new(value.to_string()).partition(0)
}

/// This many incompressible bytes that are not JSON.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut noise: Vec<u8> = std::iter::repeat_with(&mut next)
        .flatten()
        .take(size)
        .collect();
    noise[0] = b'x';
    noise
}

/// The offsets of the client `ada`'s events, in the stream's order.
fn offsets(redis: &Redis, prefix: &str) -> Vec<i64> {
    let entries = redis.streams(prefix).remove("ada").unwrap_or_default();
    let offset = |source: &str| source.split('/').nth(2).unwrap().parse().unwrap();
    entries.iter().map(|entry| offset(&entry.source)).collect()
}

/// Waits until `ada` has the event of this offset; returns the offsets of all her events.
fn wait_for(redis: &Redis, prefix: &str, last: i64) -> Vec<i64> {
    wait_until(&format!("the event of offset {last}"), LONG, || {
        Some(offsets(redis, prefix)).filter(|offsets| offsets.last() == Some(&last))
    })
}

/// Waits until this run of the daemon has processed this many records.
fn wait_for_records(daemon: &Daemon, count: usize) {
    wait_until(&format!("{count} records are processed"), LONG, || {
        let done = metrics(&daemon.admin()).sum("millstream_records_total", &[]);
        (done >= count as f64).then_some(())
    });
}

/// Waits until `/readyz` contains all of these words; returns its whole text.
fn wait_said(daemon: &Daemon, words: &[&str]) -> String {
    let admin = daemon.admin();
    wait_until(&format!("readiness says {words:?}"), LONG, || {
        let text = get(&admin, "/readyz").text();
        words.iter().all(|word| text.contains(word)).then_some(text)
    })
}

/// What a command wrote to standard output; panics if it failed.
fn said(output: &Output) -> String {
    let (out, error) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{error}");
    String::from_utf8(out.clone()).unwrap()
}

/// Runs the command that readiness quotes, as a shell does.
fn paste(readiness: &str) -> String {
    let command = readiness.split("millstream ").nth(1).unwrap();
    let command = command.split('"').next().unwrap();
    let mut shell = std::process::Command::new("sh");
    let program = Daemon::program();
    shell
        .arg("-c")
        .arg(format!("{} {command}", program.display()));
    said(&shell.output().unwrap())
}

/// What a command wrote to standard error; panics if it succeeded.
fn refused(output: &Output) -> String {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(output.stdout, b"", "{error}");
    error
}

/// `offsets show --json` for the only partition.
fn standing(daemon: &Daemon) -> Value {
    let text = said(&daemon.command(&["offsets", "show", "--json"]));
    serde_json::from_str(&text).unwrap()
}
