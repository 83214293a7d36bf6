//! The servers, the links to them, and the daemons.

use crate::instance::Instance;
use crate::journal::Journal;
use crate::options::Options;
use crate::record::PARTITIONS;
use crate::versions::{self, Version};
use millstream_tests::{Kafka, Link, Redis};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// Key prefix and consumer group.
const NAME: &str = "campaign";

/// Redis writes to disk before it answers, and only appends to the file, so that the file can be
/// cut back to an earlier moment.
const PERSISTENT: [&str; 6] = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--auto-aof-rewrite-percentage",
    "0",
];

pub struct World {
    pub kafka: Kafka,
    pub kafka_link: Link,
    pub redis: Redis,
    pub redis_link: Link,
    pub topic: String,
    pub dead: String,
    pub versions: Vec<Version>,
    /// The version that was saved last.
    version: AtomicUsize,
    instances: Vec<Mutex<Instance>>,
    pub journal: Journal,
}

impl World {
    /// Starts everything except the daemons.
    pub fn new(options: &Options) -> World {
        let stateful = options.stateful;
        let versions = thread::spawn(move || versions::build(stateful));
        let redis = Redis::new(&PERSISTENT);
        let redis_link = Link::to(redis.url().trim_start_matches("redis://"));
        let (kafka, kafka_link) = Kafka::linked("512m", &[]);
        let topic = kafka.create_topic(NAME, PARTITIONS.into());
        let dead = kafka.create_topic("campaign-dead", 2);
        let capabilities = if stateful { r#""keyvalue""# } else { "" };
        let config = config(&kafka_link, &redis_link, (&topic, &dead), capabilities);
        let instance = |slot| {
            let name = format!("daemon {slot}");
            Mutex::new(Instance::new(name, &config, options.daemon.clone()))
        };
        World {
            instances: (0..=options.instances).map(instance).collect(),
            versions: versions
                .join()
                .expect("the plugin can't be built, see above"),
            version: AtomicUsize::new(0),
            journal: Journal::default(),
            kafka,
            kafka_link,
            redis,
            redis_link,
            topic,
            dead,
        }
    }

    pub fn instance(&self, slot: usize) -> MutexGuard<'_, Instance> {
        let instance = self.instances[slot].lock();
        instance.unwrap_or_else(PoisonError::into_inner)
    }

    pub fn instances(&self) -> impl Iterator<Item = MutexGuard<'_, Instance>> {
        (0..self.instances.len()).map(|slot| self.instance(slot))
    }

    pub fn version(&self) -> &Version {
        let good = self.versions.len() - 1;
        &self.versions[self.version.load(Ordering::Relaxed) % good]
    }

    /// The version that leaks a MiB for each record.
    pub fn leaking(&self) -> &Version {
        &self.versions[self.versions.len() - 1]
    }

    /// Chooses the next version.
    pub fn next_version(&self) -> &Version {
        self.version.fetch_add(1, Ordering::Relaxed);
        self.version()
    }

    /// The key of a partition's ledger (`ledger`) or swap log (`swaps`), without the partition
    /// number.
    pub fn key(&self, what: &str) -> String {
        format!("{NAME}:{{0}}:{what}:{NAME}:{}:", self.topic)
    }

    /// The prefix of every key.
    pub fn prefix(&self) -> &'static str {
        NAME
    }
}

/// Short time-outs, so that long faults exceed them; but the brokers' keep their defaults, which a
/// busy machine would exceed otherwise.
fn config(kafka: &Link, redis: &Link, (topic, dead): (&str, &str), capabilities: &str) -> String {
    let (kafka, redis) = (kafka.addr(), redis.addr());
    format!(
        r#"
[kafka]
bootstrap-servers = "{kafka}"
group-id = "{NAME}"
[kafka.properties]
"session.timeout.ms" = "3000"
"heartbeat.interval.ms" = "500"
"max.poll.interval.ms" = "5000"
"reconnect.backoff.max.ms" = "1000"
[store]
url = "redis://{redis}"
key-prefix = "{NAME}"
# Nothing is trimmed: all of it is looked at in the end.
retention = {{ max-events = 10000000 }}
[http]
listen = "127.0.0.1:0"
[auth]
anonymous = true
[admin]
listen = "127.0.0.1:0"
[[pipeline]]
name = "campaign"
topics = ["{topic}"]
transform = {{ plugin = "plugins/versioned.wasm", capabilities = [{capabilities}] }}
dead-letter = {{ plugin = "bundled:retry-then-topic", config = {{ topic = "{dead}" }} }}
"#
    )
}
