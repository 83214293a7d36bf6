//! A topic of records for many clients, about 1 KB each, and the check of their events.

use super::LONG;
use millstream_tests::{
    Daemon, Message, Redis, SHORT_SESSIONS, assert_exact, create_topic, metrics, produce, read_all,
    servers, unique, wait_until,
};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};

pub const PARTITIONS: usize = 4;
const CLIENTS: usize = 97;

pub struct Load {
    topic: String,
    /// Key prefix and consumer group.
    prefix: String,
    produced: AtomicUsize,
}

/// Additional configuration of a daemon.
#[derive(Clone, Copy, Default)]
pub struct Lines<'a> {
    /// Before everything else: whole tables.
    pub top: &'a str,
    /// Lines of `[kafka.properties]`.
    pub kafka: &'a str,
    /// Lines of `[[pipeline]]`.
    pub pipeline: &'a str,
}

impl Load {
    /// With a new, empty topic, and one for dead letters.
    pub fn new(name: &str) -> Self {
        let topic = create_topic(name, PARTITIONS as i32);
        let dead = format!("{topic}-dlq");
        servers().kafka.create_topic_named(&dead, 1, &[]);
        let (prefix, produced) = (unique(name), AtomicUsize::new(0));
        Load {
            topic,
            prefix,
            produced,
        }
    }

    /// The `millstream.toml` of a daemon that stores at this address.
    pub fn config(&self, redis: &str, lines: Lines) -> String {
        let kafka = servers().kafka.bootstrap();
        let Load { topic, prefix, .. } = self;
        let Lines {
            top,
            kafka: properties,
            pipeline,
        } = lines;
        let rest = format!(
            r#"
name = "faults"
transform = {{ plugin = "bundled:notifications" }}
{pipeline}
{SHORT_SESSIONS}
{properties}
{top}
"#
        );
        let redis = format!("redis://{redis}");
        millstream_tests::config(&kafka, &redis, topic, prefix, &rest)
    }

    /// Produces this many more records; returns the total when Kafka has them.
    pub fn produce(&self, count: usize) -> usize {
        let from = self.produced.fetch_add(count, Ordering::SeqCst);
        produce(&self.topic, (from..from + count).map(message));
        from + count
    }

    /// How many records the ledgers have passed.
    pub fn done(&self, redis: &Redis) -> usize {
        let Load { prefix, topic, .. } = self;
        let mut pipe = redis::pipe();
        for partition in 0..PARTITIONS {
            let key = format!("{prefix}:{{0}}:ledger:{prefix}:{topic}:{partition}");
            pipe.cmd("HGET").arg(key).arg("next");
        }
        let next: Vec<Option<usize>> = pipe.query(&mut redis.connect()).unwrap();
        next.into_iter().flatten().sum()
    }

    /// Waits until the ledgers have passed this many.
    pub fn wait_done(&self, redis: &Redis, enough: usize) {
        wait_until(&format!("{enough} records are processed"), LONG, || {
            (self.done(redis) >= enough).then_some(())
        });
    }

    /// Waits until the ledgers have passed all records. Then each event is in its client's stream
    /// once and in order, and there are no dead letters.
    pub fn assert_complete(&self, redis: &Redis) {
        self.wait_done(redis, self.produced.load(Ordering::SeqCst));
        let records = read_all(&self.topic);
        assert_exact(&self.topic, &records, &redis.streams(&self.prefix));
        assert_eq!(read_all(&format!("{}-dlq", self.topic)), []);
    }

    /// Like [`Load::assert_complete`], for a daemon that has run since the first record.
    pub fn assert_complete_and_healthy(&self, redis: &Redis, daemon: &Daemon) {
        self.assert_complete(redis);
        daemon.wait_ready(LONG);
        let failures = metrics(&daemon.admin()).sum("millstream_failures_total", &[]);
        assert_eq!(failures.to_string(), "0");
        assert_eq!(daemon.terminate(), Some(0));
    }
}

/// The name of a client of the load.
pub fn client(number: usize) -> String {
    format!("client-{}", number % CLIENTS)
}

fn message(number: usize) -> Message {
    let client = client(number);
    let value = json!({
        "eventId": format!("e-{number}"), "eventType": "mail", "clientId": client,
        "message": format!("Mail number {number} is waiting for you"),
        "unknown": "x".repeat(850),
    });
    let partition = (number % CLIENTS) % PARTITIONS;
    Message::new(value.to_string())
        .key(client)
        .partition(partition as i32)
}
