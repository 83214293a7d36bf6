//! Transforms that keep state, log and read the clock. `tests/plugins/counting` writes into each
//! event how many records its key had so far, `tests/plugins/telling` logs and tells the time.

mod counted;
mod expired;
mod fenced;
mod granted;
mod lost;
mod moved;
mod replayed;
mod told;

use millstream_tests::{
    Consumed, Daemon, Message, SHORT_SESSIONS, guest, metrics, read_all, servers, unique,
    wait_until,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// A limit for failing tests, not an expectation of speed.
const LONG: Duration = Duration::from_secs(120);

/// A topic with one partition, its dead-letter topic, and the rest of a daemon's environment.
struct Scene {
    topic: String,
    dead: String,
    prefix: String,
}

impl Scene {
    fn new() -> Scene {
        Scene::with(1)
    }

    fn with(partitions: i32) -> Scene {
        let kafka = &servers().kafka;
        let topic = kafka.create_topic("stateful", partitions);
        let dead = format!("{topic}-dlq");
        kafka.create_topic_named(&dead, 1, &[]);
        Scene {
            topic,
            dead,
            prefix: unique("stateful"),
        }
    }

    /// A configuration with `counting` as its transform; `more` are further lines of the pipeline.
    fn config(&self, more: &str) -> String {
        self.config_with(&servers().redis.url(), r#""keyvalue""#, more)
    }

    fn config_with(&self, redis: &str, capabilities: &str, more: &str) -> String {
        let Scene { topic, prefix, .. } = self;
        let transform = format!("{{ plugin = \"p.wasm\", capabilities = [{capabilities}] }}");
        let rest = format!("name = \"counts\"\ntransform = {transform}\n{more}\n{SHORT_SESSIONS}");
        millstream_tests::config(&servers().kafka.bootstrap(), redis, topic, prefix, &rest)
    }

    /// A ready daemon that counts.
    fn daemon(&self, more: &str) -> Daemon {
        let daemon = Daemon::builder(&self.config(more)).file("p.wasm", guest("test-counting"));
        let daemon = daemon.start();
        daemon.wait_ready(LONG);
        daemon
    }

    /// The counts in a client's events, in the stream's order.
    fn counts(&self, client: &str) -> Vec<u64> {
        let mut range = redis::cmd("XRANGE");
        range.arg(format!("{}:{{0}}:client:{client}", self.prefix));
        range.arg("-").arg("+");
        let mut redis = servers().redis.connect();
        let entries: Vec<(String, HashMap<String, String>)> = range.query(&mut redis).unwrap();
        let count = |data: &str| {
            let data: Value = serde_json::from_str(data).unwrap();
            data["count"].as_u64().unwrap()
        };
        entries
            .iter()
            .map(|(_, entry)| count(&entry["data"]))
            .collect()
    }

    #[track_caller]
    fn wait_for(&self, client: &str, counts: &[u64]) {
        let mut last = Vec::new();
        let found = wait_until(&format!("the counts {counts:?} of {client}"), LONG, || {
            last = self.counts(client);
            (last.len() >= counts.len()).then(|| last.clone())
        });
        assert_eq!(found, counts);
    }

    /// Waits until this run of the daemon has stored this many records.
    fn wait_for_records(daemon: &Daemon, count: usize) {
        wait_until(&format!("{count} records"), LONG, || {
            let done = metrics(&daemon.admin()).sum("millstream_records_total", &[]);
            (done >= count as f64).then_some(())
        });
    }

    fn letters(&self, count: usize) -> Vec<Consumed> {
        wait_until(&format!("{count} letters"), LONG, || {
            Some(read_all(&self.dead)).filter(|letters| letters.len() >= count)
        })
    }

    fn produce(&self, messages: impl IntoIterator<Item = Message>) {
        servers().kafka.produce(&self.topic, messages);
    }
}

/// A record of partition 0 for this client, whose key is its name.
fn record(client: &str, text: &str) -> Message {
    keyed(client, client, text)
}

fn keyed(key: &str, client: &str, text: &str) -> Message {
    let value = json!({ "clientId": client, "eventId": "e", "text": text });
    Message::new(value.to_string()).key(key).partition(0)
}

fn class(letter: &Consumed) -> &str {
    letter.header("millstream.error.class").unwrap_or_default()
}
