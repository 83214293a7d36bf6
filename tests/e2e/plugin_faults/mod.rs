//! Plugins of every kind that break, forge answers or decide: only their records are affected, and
//! go where the plugin decides or to the built-in policy. The plugins under test are
//! `tests/plugins/{forger,panicking,routing,ruling}`; a record's value tells them what to do.

mod absent_keys;
mod arriving_partitions;
mod endless_retries;
mod expanded;
mod fetch_ahead;
mod forged;
mod grants;
mod halted;
mod halving;
mod header_names;
mod instances;
mod largest_records;
mod loop_replaced;
mod policies;
mod policy_breaks;
mod routes;
mod stopping;
mod swap_in_hand;
mod turns;

use millstream_tests::{
    Consumed, Daemon, Message, SHORT_SESSIONS, metrics, read_all, servers, streams, unique,
    wait_until,
};
use serde_json::json;
use std::time::Duration;

/// A time-out for things that happen eventually, not an expectation of speed.
const LONG: Duration = Duration::from_secs(120);

/// A topic, its dead-letter topic, and the rest of a daemon's environment.
struct Fixture {
    topic: String,
    dead: String,
    prefix: String,
}

impl Fixture {
    fn new(partitions: i32) -> Fixture {
        Fixture::with(partitions, &[])
    }

    /// With these settings of its topics.
    fn with(partitions: i32, settings: &[(&str, &str)]) -> Fixture {
        let topic = servers()
            .kafka
            .create_topic_with("faults", partitions, settings);
        let dead = format!("{topic}-dlq");
        servers().kafka.create_topic_named(&dead, 1, settings);
        let prefix = unique("faults");
        Fixture {
            topic,
            dead,
            prefix,
        }
    }

    fn config(&self, pipeline: &str) -> String {
        let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
        let Fixture { topic, prefix, .. } = self;
        let cache = "[plugins]\ncache = \"cache\"";
        let rest = format!("name = \"faults\"\n{pipeline}\n{cache}\n{SHORT_SESSIONS}");
        millstream_tests::config(&kafka, &redis, topic, prefix, &rest)
    }

    /// A ready daemon, with this plugin as `plugins/p.wasm` if the configuration names it.
    fn daemon(&self, pipeline: &str, plugin: &[u8]) -> Daemon {
        let daemon = Daemon::builder(&self.config(pipeline))
            .file("plugins/p.wasm", plugin)
            .start();
        daemon.wait_ready(LONG);
        daemon
    }

    /// The sources of a client's events, in stream order.
    fn sources(&self, client: &str) -> Vec<String> {
        let entries = streams(&self.prefix).remove(client).unwrap_or_default();
        entries.into_iter().map(|entry| entry.source).collect()
    }

    /// The source of a record's first event.
    fn source(&self, record: &Consumed) -> String {
        format!("{}/{}/{}/0", self.topic, record.partition, record.offset)
    }

    fn letters(&self) -> Vec<Consumed> {
        read_all(&self.dead)
    }

    /// Waits for this many events of a client and this many letters.
    fn wait_for(
        &self,
        client: &str,
        events: usize,
        letters: usize,
    ) -> (Vec<String>, Vec<Consumed>) {
        wait_until("every record is processed", LONG, || {
            let (stored, dead) = (self.sources(client), self.letters());
            (stored.len() >= events && dead.len() >= letters).then_some((stored, dead))
        })
    }

    /// Checks that a letter has this record's bytes, and its client.
    fn check_letter(&self, record: &Consumed, letter: &Consumed, class: &str, stage: &str) {
        let what = String::from_utf8_lossy(record.value.as_deref().unwrap_or(b"absent"));
        let what: String = what.chars().take(40).collect();
        assert_eq!(letter.key, record.key, "{what}: the key");
        assert!(letter.value == record.value, "{what}: the value");
        let own = letter.headers.get(..record.headers.len());
        assert_eq!(own, Some(&*record.headers), "{what}: the record's headers");
        let found = ["class", "stage"].map(|name| error(letter, name));
        let message = error(letter, "message");
        assert_eq!(found, [class, stage], "{what}: {message}");
        assert!(message.len() <= 1024, "{what}: {} bytes", message.len());
        let source = format!("{}/{}/{}", self.topic, record.partition, record.offset);
        assert_eq!(letter.header("millstream.source"), Some(&*source));
    }
}

/// The failure that a letter describes.
fn error<'a>(letter: &'a Consumed, name: &str) -> &'a str {
    let header = letter.header(&format!("millstream.error.{name}"));
    header.expect("every letter has this header of the host")
}

/// The value of the daemon's counter, summed over these labels.
fn counted(daemon: &Daemon, name: &str, labels: &[&str]) -> f64 {
    metrics(&daemon.admin()).sum(name, labels)
}

/// The daemon's peak memory, in MiB.
fn peak(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid()));
    let status = status.expect("the daemon runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .expect("/proc has this line")
        .parse::<u64>()
        .expect("a number")
        >> 10
}

/// A record for `bundled:notifications`.
fn note(client: &str, event_type: &str, message: &str) -> Message {
    let value = json!({
        "eventId": "e", "eventType": event_type, "clientId": client, "message": message
    });
    Message::new(value.to_string()).partition(0)
}

/// A record with this value, which is not JSON, and everything that a letter must keep.
fn raw(value: &str) -> Message {
    let mut message = Message::new(value)
        .key([0, 255, 10, 13])
        .header("trace", [0xff, 0x00, 0x10])
        .header("trace", "second")
        .header("empty", "")
        .partition(0);
    message.headers.push(("absent".into(), None));
    message
}
