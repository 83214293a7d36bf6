//! From configuration to librdkafka's properties.

use crate::kafka::native::alias::is_same;
use anyhow::anyhow;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::BaseProducer;
use std::collections::BTreeMap;
use thiserror::Error;

/// How to reach Kafka. May hold passwords: it has no `Debug`.
#[derive(Clone)]
pub struct KafkaSettings {
    /// `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// librdkafka's own properties, as the configuration gives them.
    pub properties: BTreeMap<String, String>,
}

/// A property that can't be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{property}: {reason}")]
pub struct PropertyError {
    /// Its name.
    pub property: String,
    /// Why, without its value.
    pub reason: String,
}

/// What delivery rests on: not for the configuration to change, by any name.
const OURS: [(&str, &str); 12] = [
    ("bootstrap.servers", "set bootstrap-servers instead"),
    ("group.id", "set group-id instead"),
    ("enable.auto.commit", "the ledger holds the offsets"),
    ("enable.auto.offset.store", "the ledger holds the offsets"),
    (
        "auto.offset.reset",
        "set start on the pipeline; an offset out of range is always reported",
    ),
    (
        "isolation.level",
        "aborted transactions are never delivered",
    ),
    (
        "partition.assignment.strategy",
        "it is always cooperative-sticky",
    ),
    ("group.protocol", "it is always classic"),
    ("acks", "dead letters require all"),
    ("enable.idempotence", "dead letters require it"),
    (
        "delivery.report.only.error",
        "dead letters require every delivery report",
    ),
    ("transactional.id", "the ledger is not in Kafka"),
];

/// What a pipeline's partitions may have fetched ahead, in bytes, all together.
const AHEAD: usize = 64 << 20;
/// The least and the most that one of them may.
const AHEAD_EACH: (usize, usize) = (128 << 10, 5 << 20);
/// The most that one of them is sent at once: librdkafka's own default.
const FETCH: usize = 1 << 20;

/// Who a static member of a group is.
const STATIC: &str = "group.instance.id";

/// Of librdkafka's properties, those of consumers only: a producer warns of them.
const CONSUMERS: [&str; 18] = [
    "allow.auto.create.topics",
    "check.crcs",
    "coordinator.query.interval.ms",
    "enable.partition.eof",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "fetch.min.bytes",
    "fetch.queue.backoff.ms",
    "fetch.wait.max.ms",
    "group.instance.id",
    "group.remote.assignor",
    "heartbeat.interval.ms",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "queued.max.messages.kbytes",
    "queued.min.messages",
    "session.timeout.ms",
];

/// And those of producers only.
const PRODUCERS: [&str; 18] = [
    "batch.num.messages",
    "batch.size",
    "compression.codec",
    "compression.level",
    "compression.type",
    "delivery.timeout.ms",
    "linger.ms",
    "message.send.max.retries",
    "message.timeout.ms",
    "partitioner",
    "queue.buffering.backpressure.threshold",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "request.timeout.ms",
    "retries",
    "sticky.partitioning.linger.ms",
    "transaction.timeout.ms",
];

impl KafkaSettings {
    /// Checks the properties without contacting a broker.
    ///
    /// # Errors
    /// The first that librdkafka doesn't know, whose value it doesn't take, or
    /// that is Millstream's own to set.
    pub fn check(&self) -> Result<(), PropertyError> {
        for (name, value) in &self.properties {
            let error = |reason: String| PropertyError {
                property: name.clone(),
                reason,
            };
            if let Some((_, why)) = OURS.iter().find(|(ours, _)| is_same(ours, name)) {
                return Err(error(format!(
                    "Millstream sets this property itself: {why}"
                )));
            }
            check_property(name, value)?;
        }
        Ok(())
    }

    /// Reads the files that properties name, as a client of librdkafka does when it is made. Contacts
    /// nobody: this one is told no address.
    ///
    /// # Errors
    /// librdkafka's own words.
    pub fn check_files(&self) -> anyhow::Result<()> {
        if !self.properties.keys().any(|name| name.starts_with("ssl.")) {
            return Ok(());
        }
        let mut config = self.producer();
        config.remove("bootstrap.servers");
        // It would complain of that.
        config.set_log_level(RDKafkaLogLevel::Error);
        let made = config.create::<BaseProducer>();
        made.map(drop).map_err(|error| match error {
            KafkaError::ClientCreation(why) => anyhow!("[kafka.properties]: {why}"),
            error => anyhow!("[kafka.properties]: {error}"),
        })
    }

    /// The given properties, without those that only the other side knows.
    fn client(&self, not_for: &[&str]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", "millstream");
        let ours = self
            .properties
            .iter()
            .filter(|(name, _)| !not_for.contains(&name.as_str()));
        config.extend(ours.map(|(name, value)| (name.clone(), value.clone())));
        config
    }

    /// Whether the property is given, by any of its names.
    pub fn gives(&self, name: &str) -> bool {
        self.properties.keys().any(|given| is_same(given, name))
    }

    /// Gives the property this value, whatever was given for it before.
    pub fn give(&mut self, name: &str, value: &str) {
        self.properties.retain(|given, _| !is_same(given, name));
        self.properties.insert(name.into(), value.into());
    }

    /// Sets what the properties do not, by any name.
    pub(crate) fn or(&self, config: &mut ClientConfig, name: &str, value: &str) {
        if !self.gives(name) {
            config.set(name, value);
        }
    }

    /// For the group's member `name`, or for one that only asks.
    pub(super) fn consumer(&self, group: &str, name: Option<&str>) -> ClientConfig {
        let mut config = self.client(&PRODUCERS);
        // A static member is one consumer: each pipeline is one of its own.
        if let Some(id) = self.properties.get(STATIC) {
            match name {
                Some(name) => config.set(STATIC, format!("{id}-{name}")),
                None => config.remove(STATIC),
            };
        }
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_committed")
            .set("partition.assignment.strategy", "cooperative-sticky");
        // Measured: the default of 1 s stalls a fast consumer to a third.
        self.or(&mut config, "fetch.queue.backoff.ms", "2");
        self.or(&mut config, "queued.min.messages", "20000");
        self.or(&mut config, "queued.max.messages.kbytes", "4096");
        self.or(&mut config, "session.timeout.ms", "10000");
        self.or(&mut config, "heartbeat.interval.ms", "2000");
        self.or(&mut config, "topic.metadata.refresh.interval.ms", "30000");
        config
    }

    /// For a member that may have this many partitions: each has a queue of its
    /// own, and they share what may be fetched ahead.
    pub(super) fn member(&self, group: &str, name: &str, partitions: usize) -> ClientConfig {
        let mut config = self.consumer(group, Some(name));
        let (least, most) = AHEAD_EACH;
        let each = (AHEAD / partitions.max(1)).clamp(least, most);
        // More is asked for while a queue has room, and goes past it by a fetch.
        let fetch = (each / 4).min(FETCH);
        let queue = (each - fetch) >> 10;
        self.or(
            &mut config,
            "queued.max.messages.kbytes",
            &queue.to_string(),
        );
        self.or(&mut config, "fetch.message.max.bytes", &fetch.to_string());
        config
    }

    /// For one that reads partitions of its own choice, in no group, and is
    /// told where they end.
    pub fn reader(&self) -> ClientConfig {
        let mut config = self.consumer("millstream", None);
        config.set("enable.partition.eof", "true");
        config
    }

    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.client(&CONSUMERS);
        config.set("enable.idempotence", "true").set("acks", "all");
        // A dead letter holds its partition's ledger: no lingering.
        self.or(&mut config, "linger.ms", "0");
        // Key by key to the same partition as Java's clients.
        self.or(&mut config, "partitioner", "murmur2_random");
        self.or(&mut config, "message.timeout.ms", "30000");
        // A topic that isn't there is soon said.
        self.or(&mut config, "topic.metadata.propagation.max.ms", "5000");
        // The default is less than a broker's: what could be read must be
        // possible to write. Let the broker be the one that refuses.
        self.or(&mut config, "message.max.bytes", "1000000000");
        config
    }
}

/// Checks that librdkafka knows a property and takes its value.
///
/// # Errors
/// Where it does not; without the value, which may be a secret.
pub fn check_property(name: &str, value: &str) -> Result<(), PropertyError> {
    let mut one = ClientConfig::new();
    one.set(name, value);
    let checked = one.create_native_config();
    checked.map(drop).map_err(|refused| PropertyError {
        property: name.into(),
        reason: reason(&refused, value),
    })
}

/// librdkafka's words, unless they repeat the value: it may be a secret.
fn reason(error: &rdkafka::error::KafkaError, value: &str) -> String {
    use rdkafka::error::KafkaError::ClientConfig;
    let said = match error {
        ClientConfig(_, said, _, _) => said.clone(),
        other => other.to_string(),
    };
    if value.is_empty() || !said.contains(value) {
        said
    } else {
        "invalid value".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> KafkaSettings {
        KafkaSettings {
            bootstrap_servers: "kafka:9092".into(),
            properties: BTreeMap::from([(name.into(), value.into())]),
        }
    }

    #[test]
    fn a_default_yields_to_the_property_by_any_of_its_names() {
        for (given, ours) in [
            ("delivery.timeout.ms", "message.timeout.ms"),
            ("queue.buffering.max.ms", "linger.ms"),
        ] {
            let config = with(given, "7").producer();
            assert_eq!((config.get(given), config.get(ours)), (Some("7"), None));
        }
    }

    #[test]
    fn partitions_share_what_is_fetched_ahead() {
        let ahead = |settings: &KafkaSettings, partitions| {
            let config = settings.member("g", "p", partitions);
            let names = ["queued.max.messages.kbytes", "fetch.message.max.bytes"];
            names.map(|name| config.get(name).map(str::to_owned))
        };
        let plain = with("linger.ms", "0");
        for (partitions, kbytes, fetch) in [
            (0, 4096, 1 << 20),
            (12, 4096, 1 << 20),
            (100, 491, 167_772),
            (100_000, 96, 32 << 10),
        ] {
            let expected = [kbytes, fetch].map(|number: u32| Some(number.to_string()));
            assert_eq!(ahead(&plain, partitions), expected, "{partitions}");
        }
        let given = with("max.partition.fetch.bytes", "7");
        assert_eq!(ahead(&given, 100)[1], None, "by another name");
    }

    #[test]
    fn what_is_ours_is_refused_by_any_of_its_names() {
        for (name, value) in [
            ("bootstrap.servers", "x:1"),
            ("metadata.broker.list", "x:1"),
            ("acks", "1"),
            ("request.required.acks", "1"),
            ("auto.commit.enable", "true"),
        ] {
            let refused = with(name, value).check().expect_err(name);
            assert_eq!(refused.property, name);
            let says = "Millstream sets this property itself";
            assert!(refused.reason.contains(says), "{refused}");
        }
    }

    #[test]
    fn what_is_given_last_holds_whatever_it_was_called_before() {
        let mut settings = with("linger.ms", "1");
        settings.give("queue.buffering.max.ms", "2");
        let given = BTreeMap::from([("queue.buffering.max.ms".into(), "2".into())]);
        assert_eq!(settings.properties, given);
    }
}
