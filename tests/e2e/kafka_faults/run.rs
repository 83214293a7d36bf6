//! One run: a topic with notifications, and the check of their events.

use super::LONG;
use millstream_tests::{
    Daemon, Kafka, Message, assert_exact, servers, streams, unique, wait_until,
};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const CLIENTS: usize = 60;
/// The backlog of a loaded daemon: many batches for each partition.
const AHEAD: i64 = 10_000;

pub struct Run<'a> {
    pub kafka: &'a Kafka,
    pub topic: String,
    /// Key prefix and consumer group.
    pub prefix: String,
    partitions: AtomicI32,
    produced: AtomicUsize,
}

/// A notification for one of the clients.
pub fn message(number: usize, partition: i32) -> Message {
    let client = format!("client-{}", number % CLIENTS);
    let value = format!(
        r#"{{"eventId":"{number}","eventType":"mail","clientId":"{client}","message":"hi"}}"#
    );
    Message::new(value).key(client).partition(partition)
}

impl<'a> Run<'a> {
    /// With new, empty topics.
    pub fn new(kafka: &'a Kafka, name: &str, partitions: i32) -> Self {
        let topic = kafka.create_topic(name, partitions);
        Self::of(kafka, topic, name, partitions)
    }

    /// The same, with one replica of each partition.
    pub fn uncopied(kafka: &'a Kafka, name: &str, partitions: i32) -> Self {
        let topic = unique(name);
        kafka.create_topic_copied(&topic, partitions, 1, &[("min.insync.replicas", "1")]);
        Self::of(kafka, topic, name, partitions)
    }

    fn of(kafka: &'a Kafka, topic: String, name: &str, partitions: i32) -> Self {
        kafka.create_topic_named(&format!("{topic}-dlq"), 1, &[]);
        let (prefix, produced) = (unique(name), AtomicUsize::new(0));
        Run {
            kafka,
            topic,
            prefix,
            partitions: AtomicI32::new(partitions),
            produced,
        }
    }

    /// A `millstream.toml` with these properties of librdkafka.
    pub fn config(&self, properties: &[(&str, &str)]) -> String {
        self.config_for(&servers().redis.url(), properties)
    }

    /// The same with another address of Redis.
    pub fn config_for(&self, redis: &str, properties: &[(&str, &str)]) -> String {
        let kafka = self.kafka.bootstrap();
        let property = |(name, value): &(&str, &str)| format!("{name:?} = {value:?}\n");
        let properties: String = properties.iter().map(property).collect();
        let Run { topic, prefix, .. } = self;
        let rest = format!(
            r#"
name = "run"
transform = {{ plugin = "bundled:notifications" }}
[kafka.properties]
{properties}
"#
        );
        millstream_tests::config(&kafka, redis, topic, prefix, &rest)
    }

    /// Gives the topic more partitions, up to this number.
    pub fn add_partitions(&self, partitions: i32) {
        self.kafka.add_partitions(&self.topic, partitions);
        self.partitions.store(partitions, Ordering::Relaxed);
    }

    fn partitions(&self) -> i32 {
        self.partitions.load(Ordering::Relaxed)
    }

    /// Produces this many more, spread over every partition.
    pub fn produce(&self, count: usize) {
        let first = self.produced.fetch_add(count, Ordering::Relaxed);
        let partitions = usize::try_from(self.partitions()).unwrap();
        let message = |number| message(number, i32::try_from(number % partitions).unwrap());
        self.kafka
            .produce(&self.topic, (first..first + count).map(message));
    }

    /// Runs `work` while records keep arriving faster than the daemon takes them.
    pub fn under_load<T>(&self, work: impl FnOnce() -> T) -> T {
        /// Also runs if the work panics.
        struct End<'a>(&'a AtomicBool);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    self.produce(1000);
                    wait_until("the daemon processes some records", LONG, || {
                        let room = self.waiting() < AHEAD || ended.load(Ordering::Relaxed);
                        room.then_some(())
                    });
                }
            });
            let _end = End(&ended);
            work()
        })
    }

    /// How many of the produced records the ledger has not passed.
    pub fn waiting(&self) -> i64 {
        let produced = i64::try_from(self.produced.load(Ordering::Relaxed)).unwrap();
        produced - self.passed().iter().sum::<i64>()
    }

    /// The ledger's next offset of each partition.
    pub fn passed(&self) -> Vec<i64> {
        let mut pipe = redis::pipe();
        for partition in 0..self.partitions() {
            let Run { prefix, topic, .. } = self;
            let key = format!("{prefix}:{{0}}:ledger:{prefix}:{topic}:{partition}");
            pipe.cmd("HGET").arg(key).arg("next");
        }
        let passed: Vec<Option<i64>> = pipe.query(&mut servers().redis.connect()).unwrap();
        passed.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// Waits until every partition's ledger has moved by this many records.
    pub fn advance(&self, records: i64) {
        self.advance_within(records, LONG);
    }

    /// The same with another time-out.
    pub fn advance_within(&self, records: i64, timeout: Duration) {
        let before = self.passed();
        self.wait_passed("every partition moves on", timeout, |partition, passed| {
            passed >= before[partition] + records
        });
    }

    /// Waits until the ledger has passed all records that the topic has now.
    pub fn wait_all(&self) {
        self.wait_all_within(LONG);
    }

    /// The same with another time-out.
    pub fn wait_all_within(&self, timeout: Duration) {
        let mut ends = vec![0; usize::try_from(self.partitions()).unwrap()];
        for record in self.kafka.read_all(&self.topic) {
            ends[usize::try_from(record.partition).unwrap()] = record.offset + 1;
        }
        let done = |partition: usize, passed| passed >= ends[partition];
        self.wait_passed("every record is passed", timeout, done);
    }

    /// Waits until the ledger has passed all records, and stops these daemons, so that late writes
    /// are included.
    pub fn end(&self, daemons: &[Daemon]) {
        self.wait_all();
        daemons.iter().for_each(|daemon| {
            assert_eq!(daemon.terminate(), Some(0));
        });
    }

    pub fn wait_passed(&self, what: &str, timeout: Duration, enough: impl Fn(usize, i64) -> bool) {
        wait_until(what, timeout, || {
            let mut passed = self.passed().into_iter().enumerate();
            passed
                .all(|(partition, passed)| enough(partition, passed))
                .then_some(())
        });
    }

    /// Each record's event is in its client's stream once and in order, and the client `nobody` has
    /// none.
    pub fn check(&self) {
        let mut records = self.kafka.read_all(&self.topic);
        records.retain(|record| record.key.as_deref() != Some(b"nobody"));
        assert_exact(&self.topic, &records, &streams(&self.prefix));
        println!(
            "{}: {} records, each once and in order",
            self.topic,
            records.len()
        );
    }
}
