//! A plugin that misbehaves on some records: each of those fails alone, and the other records are
//! not affected. The plugin is `tests/plugins/hostile`, which does what a record's value says.

mod bombs;
mod bytes;
mod culprits;

use millstream::plugin::digest_of;
use millstream_tests::{
    Consumed, Daemon, Message, create_topic, guest, read_all, servers, streams, unique, wait_until,
};
use std::time::Duration;

/// A limit for failing tests, not an expectation of speed.
const LONG: Duration = Duration::from_secs(120);

/// A topic, its dead-letter topic, and a daemon that reads it with the hostile plugin.
struct Scene {
    topic: String,
    dead: String,
    prefix: String,
    wasm: Vec<u8>,
    daemon: Daemon,
}

impl Scene {
    fn new(partitions: i32, batch: &str) -> Scene {
        Scene::limited(partitions, batch, "")
    }

    /// With these limits of the plugin.
    fn limited(partitions: i32, batch: &str, limits: &str) -> Scene {
        let topic = create_topic("hostile", partitions);
        let dead = format!("{topic}-dlq");
        servers().kafka.create_topic_named(&dead, 1, &[]);
        let (prefix, wasm) = (unique("hostile"), guest("test-hostile"));
        let daemon = Daemon::builder(&config(&topic, &prefix, batch, limits))
            .file("plugins/hostile.wasm", &wasm)
            .start();
        daemon.wait_ready(LONG);
        Scene {
            topic,
            dead,
            prefix,
            wasm,
            daemon,
        }
    }

    /// The payloads in the only client's stream, and their sources.
    fn stored(&self) -> Vec<(String, String)> {
        let mut streams = streams(&self.prefix);
        let entries = streams.remove("victim").unwrap_or_default();
        assert!(
            streams.is_empty(),
            "streams of unexpected clients: {streams:?}"
        );
        entries
            .into_iter()
            .map(|entry| (entry.data, entry.source))
            .collect()
    }

    /// Waits for at least this many events and dead letters.
    fn wait_for(&self, events: usize, letters: usize) -> (Vec<(String, String)>, Vec<Consumed>) {
        wait_until("every record is an event or a dead letter", LONG, || {
            let (stored, dead) = (self.stored(), read_all(&self.dead));
            (stored.len() >= events && dead.len() >= letters).then_some((stored, dead))
        })
    }

    /// Checks a dead letter against its record.
    fn check_letter(&self, original: &Consumed, letter: &Consumed, class: &str, says: &str) {
        let what = String::from_utf8_lossy(original.value.as_deref().unwrap_or(b"absent"));
        let what: String = what.chars().take(40).collect();
        assert_eq!(letter.key, original.key, "{what}: the key");
        assert!(letter.value == original.value, "{what}: the value");
        let (own, added) = letter.headers.split_at(original.headers.len());
        assert_eq!(own, original.headers, "{what}: the record's headers");
        assert!(
            added
                .iter()
                .all(|(name, _)| name.starts_with("millstream.")),
            "{added:?}"
        );
        let (partition, offset) = (original.partition, original.offset);
        let ingest = class == "too-large" && says.contains("max-record-bytes is 65536");
        let plugin = self
            .daemon
            .dir()
            .join("plugins/hostile.wasm")
            .display()
            .to_string();
        let digest = digest_of(&self.wasm);
        let expected = [
            ("class", class.to_owned()),
            (
                "stage",
                if ingest { "ingest" } else { "transform" }.to_owned(),
            ),
            ("plugin", if ingest { String::new() } else { plugin }),
            ("digest", if ingest { String::new() } else { digest }),
            ("attempts", "1".to_owned()),
            ("topic", self.topic.clone()),
            ("partition", partition.to_string()),
            ("offset", offset.to_string()),
            ("timestamp", original.timestamp.to_string()),
        ];
        let message = letter
            .header("millstream.error.message")
            .expect("the letter has a message");
        for (name, value) in expected {
            let found = letter.header(&format!("millstream.error.{name}"));
            assert_eq!(found, Some(value.as_str()), "{what}: {name} ({message})");
        }
        assert!(
            message.contains(says),
            "{what}: {message:?} does not contain {says:?}"
        );
        let source = format!("{}/{partition}/{offset}", self.topic);
        assert_eq!(letter.header("millstream.source"), Some(source.as_str()));
    }

    /// The daemon's memory use now and at its peak, in KiB.
    fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.daemon.pid()));
        let status = status.expect("the daemon runs");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.expect("/proc has it").parse().expect("a number")
        };
        (field("VmRSS:"), field("VmHWM:"))
    }
}

fn config(topic: &str, prefix: &str, batch: &str, limits: &str) -> String {
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let rest = format!(
        r#"
name = "hostile"
workers = 2
batch = {{ {batch} }}
transform = {{ plugin = "plugins/hostile.wasm", limits = {{ {limits} }} }}
[plugins]
cache = "cache"
"#
    );
    millstream_tests::config(&kafka, &redis, topic, prefix, &rest)
}

/// A record with everything that a dead letter must keep: a binary key, a repeated header, an empty
/// and an absent header value, bytes that are not UTF-8.
fn dressed(value: impl Into<Vec<u8>>) -> Message {
    let mut message = Message::new(value)
        .key([0, 255, 10, 13])
        .header("trace", [0xff, 0x00, 0x10])
        .header("trace", "second")
        .header("empty", "")
        .partition(0);
    message.headers.push(("absent".into(), None));
    message
}

/// A record without a key and without headers.
fn bare(value: impl Into<Vec<u8>>) -> Message {
    Message::new(value).partition(0)
}
