//! Translates the configuration to librdkafka's properties.

use crate::kafka::membership::Membership;
use crate::kafka::native::alias::is_same;
use anyhow::anyhow;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::BaseProducer;
use std::collections::BTreeMap;
use thiserror::Error;

/// How to connect to Kafka. May contain passwords, so it has no `Debug`.
#[derive(Clone)]
pub struct KafkaSettings {
    /// `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// librdkafka's properties, as configured.
    pub properties: BTreeMap<String, String>,
    /// Where pipelines' members have their IDs from.
    pub membership: Membership,
}

/// A property that is rejected.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{property}: {reason}")]
pub struct PropertyError {
    /// Its name.
    pub property: String,
    /// The reason, without the value.
    pub reason: String,
}

/// Properties that delivery guarantees depend on. The configuration can't set
/// them, by any of their names.
const OURS: [(&str, &str); 13] = [
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
    (
        "enable.partition.eof",
        "it reports each end of a partition as an error",
    ),
    ("acks", "dead letters require all"),
    ("enable.idempotence", "dead letters require it"),
    (
        "delivery.report.only.error",
        "dead letters require every delivery report",
    ),
    ("transactional.id", "the ledger is not in Kafka"),
];

/// The prefetch limit for all partitions of a pipeline together, in bytes.
const AHEAD: usize = 64 << 20;
/// The minimum and maximum prefetch limit of one partition, in bytes.
const AHEAD_EACH: (usize, usize) = (128 << 10, 3 << 20);
/// The maximum size of one fetch from a partition, in bytes: librdkafka's
/// default.
const FETCH: usize = 1 << 20;

/// The ID of a static member of a group.
const STATIC: &str = "group.instance.id";

/// librdkafka's properties for consumers only: a producer warns about them.
const CONSUMERS: [&str; 17] = [
    "allow.auto.create.topics",
    "check.crcs",
    "coordinator.query.interval.ms",
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

/// librdkafka's properties for producers only.
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
    /// The first property that librdkafka doesn't know, whose value it rejects,
    /// or that Millstream sets itself.
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

    /// Reads the files that properties name, as creating a client of librdkafka does. Makes no
    /// connection, since the client gets no address.
    ///
    /// # Errors
    /// librdkafka's message.
    pub fn check_files(&self) -> anyhow::Result<()> {
        if !self.properties.keys().any(|name| name.starts_with("ssl.")) {
            return Ok(());
        }
        let mut config = self.producer();
        config.remove("bootstrap.servers");
        // It would log that as an error.
        config.set_log_level(RDKafkaLogLevel::Error);
        let made = config.create::<BaseProducer>();
        made.map(drop).map_err(|error| match error {
            KafkaError::ClientCreation(why) => anyhow!("[kafka.properties]: {why}"),
            error => anyhow!("[kafka.properties]: {error}"),
        })
    }

    /// The configured properties, without those that this kind of client does not
    /// know.
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

    /// Whether the property is configured, by any of its names.
    pub fn gives(&self, name: &str) -> bool {
        self.properties.keys().any(|given| is_same(given, name))
    }

    /// Sets the property to this value and removes any earlier value.
    pub fn give(&mut self, name: &str, value: &str) {
        self.properties.retain(|given, _| !is_same(given, name));
        self.properties.insert(name.into(), value.into());
    }

    /// Sets a default, unless the property is configured by any of its names.
    pub(crate) fn or(&self, config: &mut ClientConfig, name: &str, value: &str) {
        if !self.gives(name) {
            config.set(name, value);
        }
    }

    /// The configured ID of a pipeline's member. A static member is one consumer, and each
    /// pipeline has its own consumer.
    pub(super) fn configured_member_id(&self, pipeline: &str) -> Option<String> {
        let id = self.properties.get(STATIC)?;
        Some(format!("{id}-{pipeline}"))
    }

    /// For a consumer that only queries, or for a member without its ID.
    pub(super) fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.client(&PRODUCERS);
        config.remove(STATIC);
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_committed")
            .set("partition.assignment.strategy", "cooperative-sticky");
        // Measured: the default of 1 s slows a fast consumer to a third.
        self.or(&mut config, "fetch.queue.backoff.ms", "2");
        // The broker holds a fetch back while no partition in it has records, and only one
        // fetch is under way: a busy partition whose queue was full for a moment waits as
        // long as that for its next records. Measured: half a second, again and again.
        self.or(&mut config, "fetch.wait.max.ms", "20");
        self.or(&mut config, "queued.min.messages", "20000");
        self.or(&mut config, "queued.max.messages.kbytes", "4096");
        self.or(&mut config, "session.timeout.ms", "10000");
        // A member learns of a rebalance by its next heartbeat, so partitions of a stopped
        // daemon wait that long for another.
        self.or(&mut config, "heartbeat.interval.ms", "500");
        self.or(&mut config, "topic.metadata.refresh.interval.ms", "30000");
        config
    }

    /// For a member that may have this many partitions: each has its own queue,
    /// and they share the prefetch limit. A static member has an ID.
    pub(super) fn member(&self, group: &str, id: Option<&str>, partitions: usize) -> ClientConfig {
        let mut config = self.consumer(group);
        if let Some(id) = id {
            config.set(STATIC, id);
        }
        let (least, most) = AHEAD_EACH;
        let each = (AHEAD / partitions.max(1)).clamp(least, most);
        // librdkafka fetches while a queue has room, so a queue can exceed its
        // limit by one fetch.
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

    /// For a consumer that reads chosen partitions without a group, and is
    /// notified of their ends.
    pub fn reader(&self) -> ClientConfig {
        let mut config = self.consumer("millstream");
        config.set("enable.partition.eof", "true");
        config
    }

    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.client(&CONSUMERS);
        config.set("enable.idempotence", "true").set("acks", "all");
        // The ledger of a partition waits for its dead letter: no lingering.
        self.or(&mut config, "linger.ms", "0");
        // Maps a key to the same partition as Java's clients do.
        self.or(&mut config, "partitioner", "murmur2_random");
        self.or(&mut config, "message.timeout.ms", "30000");
        // A missing topic is reported soon.
        self.or(&mut config, "topic.metadata.propagation.max.ms", "5000");
        // The default is below the brokers' limit, but every record that could be
        // read must be writable. The broker enforces its own limit.
        self.or(&mut config, "message.max.bytes", "1000000000");
        config
    }
}

/// Checks that librdkafka knows a property and accepts its value.
///
/// # Errors
/// The reason, without the value, which may be a secret.
pub fn check_property(name: &str, value: &str) -> Result<(), PropertyError> {
    let mut one = ClientConfig::new();
    one.set(name, value);
    let checked = one.create_native_config();
    checked.map(drop).map_err(|refused| PropertyError {
        property: name.into(),
        reason: reason(&refused, value),
    })
}

/// librdkafka's message, unless it repeats the value, which may be a secret.
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
            membership: Membership::Dynamic,
        }
    }

    #[test]
    fn a_property_overrides_a_default_by_any_of_its_names() {
        for (given, ours) in [
            ("delivery.timeout.ms", "message.timeout.ms"),
            ("queue.buffering.max.ms", "linger.ms"),
        ] {
            let config = with(given, "7").producer();
            assert_eq!((config.get(given), config.get(ours)), (Some("7"), None));
        }
    }

    #[test]
    fn partitions_share_the_prefetch_limit() {
        let ahead = |settings: &KafkaSettings, partitions| {
            let config = settings.member("g", None, partitions);
            let names = ["queued.max.messages.kbytes", "fetch.message.max.bytes"];
            names.map(|name| config.get(name).map(str::to_owned))
        };
        let plain = with("linger.ms", "0");
        for (partitions, kbytes, fetch) in [
            (0, 2304, 768 << 10),
            (20, 2304, 768 << 10),
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
    fn reserved_properties_are_rejected_by_any_of_their_names() {
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
    fn the_last_value_of_a_property_wins_over_earlier_names() {
        let mut settings = with("linger.ms", "1");
        settings.give("queue.buffering.max.ms", "2");
        let given = BTreeMap::from([("queue.buffering.max.ms".into(), "2".into())]);
        assert_eq!(settings.properties, given);
    }
}
