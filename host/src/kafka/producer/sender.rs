//! Writes to a topic, with a result for every record.

use crate::kafka::KafkaSettings;
use crate::kafka::cluster_error::words;
use crate::kafka::connection;
use crate::kafka::connection::Quiet;
use crate::kafka::native::alias;
use crate::kafka::native::produce::Placing;
use crate::kafka::native::produce::produce;
use crate::kafka::{ClusterError, Connection};
use crate::record::Outgoing;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka::{ClientConfig, Message};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How to write.
pub struct SenderOptions {
    /// The topic.
    pub topic: String,
    /// Only to this partition.
    pub partition: Option<i32>,
    /// `all`, `1` or `0`: which replicas must have a record before it is
    /// acknowledged.
    pub acks: String,
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`; `None` uses the properties.
    pub compression: Option<String>,
}

/// The result of a record.
pub struct SendResult {
    /// The number that it was sent under.
    pub number: u64,
    /// Its partition and offset, or why Kafka does not have it. The offset is -1
    /// without acknowledgements.
    pub result: Result<(i32, i64), String>,
}

/// Writes records to one topic.
pub struct Sender {
    producer: BaseProducer<SendResults>,
    topic: String,
}

#[derive(Default)]
struct SendResults {
    quiet: Quiet,
    /// Bounded by librdkafka's in-flight queue, since the sender takes the
    /// results.
    arrived: Mutex<Vec<SendResult>>,
}

impl SendResults {
    fn arrived(&self) -> MutexGuard<'_, Vec<SendResult>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for SendResults {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.quiet.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.quiet.error(error, reason);
    }
}

impl ProducerContext for SendResults {
    type DeliveryOpaque = Box<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<u64>) {
        let result = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(self.why(error)),
        };
        let number = *number;
        self.arrived().push(SendResult { number, result });
    }
}

impl SendResults {
    fn why(&self, error: &KafkaError) -> String {
        use RDKafkaErrorCode as E;
        match error.rdkafka_error_code() {
            Some(E::MessageTimedOut) => match self.quiet.trouble().why {
                Some(why) => format!("no acknowledgement in time: {why}"),
                None => "no acknowledgement in time".into(),
            },
            Some(E::PurgeQueue | E::PurgeInflight) => "given up".into(),
            Some(E::TopicAuthorizationFailed) => {
                "not allowed: Kafka requires the permission Write on the topic".into()
            }
            Some(E::ClusterAuthorizationFailed) => {
                "not allowed: Kafka requires the permission IdempotentWrite on the cluster (or use \
                 --acks 1)"
                    .into()
            }
            Some(code) => words(code),
            None => error.to_string(),
        }
    }
}

impl Connection {
    /// Why a topic acknowledges nothing, as far as can be seen.
    pub fn lacking(&self, topic: &str) -> Option<String> {
        let partitions = self.topic(topic).ok()?.partitions;
        if let Some(partition) = partitions.iter().find(|p| p.leader.is_none()) {
            return Some(format!("{topic}/{} currently has no leader", partition.id));
        }
        let wanted = self.setting(topic, MIN_IN_SYNC)?;
        let short = partitions.iter().find(|p| p.in_sync.len() < wanted)?;
        let (id, there) = (short.id, short.in_sync.len());
        Some(format!(
            "{topic}/{id} has {there} of the {wanted} in-sync replicas that {MIN_IN_SYNC} requires"
        ))
    }

    /// A numeric setting, if we are allowed to read it.
    fn setting(&self, topic: &str, name: &str) -> Option<usize> {
        let configs = self.configs(topic).ok()?;
        let config = configs.into_iter().find(|config| config.name == name)?;
        config.value?.parse().ok()
    }
}

/// A producer's properties; `largest` is the topic's maximum batch size.
fn config(
    settings: &KafkaSettings,
    sending: &SenderOptions,
    largest: Option<usize>,
) -> ClientConfig {
    let mut config = connection::config(settings);
    config.set("acks", &sending.acks);
    if let Some(compression) = &sending.compression {
        alias::replace(&mut config, "compression.type", compression);
    }
    let mut or = |name: &str, value: &str| settings.or(&mut config, name, value);
    // Keeps the order and avoids duplicates if `acks` is `all`.
    or("enable.idempotence", &(sending.acks == "all").to_string());
    // Maps a key to the same partition as Java's clients do.
    or("partitioner", "murmur2_random");
    or("linger.ms", "5");
    or("message.timeout.ms", "30000");
    // A batch over the topic's limit is refused with all its records, however
    // small they are.
    if let Some(largest) = largest {
        or("batch.size", &largest.clamp(1, 1_000_000).to_string());
    }
    // The broker enforces its own limit.
    or("message.max.bytes", "1000000000");
    config
}

const MIN_IN_SYNC: &str = "min.insync.replicas";

impl Sender {
    /// A producer to an existing topic; writing never creates one.
    ///
    /// # Errors
    /// When the topic or the partition does not exist, or librdkafka rejects the
    /// properties.
    pub fn start(connection: &Connection, sending: &SenderOptions) -> Result<Sender, ClusterError> {
        let topic = connection.topic(&sending.topic)?;
        topic.choose(sending.partition.as_slice())?;
        let largest = connection.setting(&topic.name, "max.message.bytes");
        let config = config(&connection.settings, sending, largest);
        let producer = config.create_with_context(SendResults::default());
        let producer = producer.map_err(connection::refused)?;
        let topic = topic.name;
        Ok(Sender { producer, topic })
    }

    /// Sends a record under a number. While the queue is full, retries as long as
    /// `wait` returns true. Returns false if `wait` gave up and nothing was sent.
    ///
    /// # Errors
    /// Why librdkafka rejects the record.
    pub fn send(
        &self,
        record: &Outgoing,
        placing: Placing,
        number: u64,
        wait: &mut dyn FnMut() -> bool,
    ) -> Result<bool, String> {
        let mut number = Box::new(number);
        loop {
            match produce(self.producer.client(), record, placing, number) {
                Ok(()) => return Ok(true),
                Err((RDKafkaErrorCode::QueueFull, returned)) => number = returned,
                Err((code, _)) => {
                    return Err(self
                        .producer
                        .context()
                        .why(&KafkaError::MessageProduction(code)));
                }
            }
            self.poll(Duration::from_millis(100));
            if !wait() {
                return Ok(false);
            }
        }
    }

    /// Waits for results, at most `patience`.
    pub fn poll(&self, patience: Duration) {
        self.producer.poll(patience);
    }

    /// The results that have arrived since the last call.
    pub fn results(&self) -> Vec<SendResult> {
        std::mem::take(&mut self.producer.context().arrived())
    }

    /// The number of records without a result.
    pub fn in_flight(&self) -> i32 {
        self.producer.in_flight_count()
    }

    /// The topic that it writes to.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Ends without waiting; records without a result are abandoned.
    pub fn abandon(self) {
        // Dropping it would wait for records in flight.
        std::mem::forget(self.producer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::Membership;

    #[test]
    fn properties_override_defaults_and_options_override_properties_by_any_name() {
        let properties = [
            ("delivery.timeout.ms", "7"),
            ("queue.buffering.max.ms", "7"),
            ("compression.codec", "lz4"),
        ];
        let own = properties.map(|(name, value)| (name.into(), value.into()));
        let settings = KafkaSettings {
            bootstrap_servers: "kafka:9092".into(),
            properties: own.into(),
            membership: Membership::Dynamic,
        };
        let sending = SenderOptions {
            topic: "orders".into(),
            partition: None,
            acks: "all".into(),
            compression: Some("zstd".into()),
        };
        let config = config(&settings, &sending, None);
        for (name, value) in [
            ("delivery.timeout.ms", Some("7")),
            ("message.timeout.ms", None),
            ("queue.buffering.max.ms", Some("7")),
            ("linger.ms", None),
            ("compression.type", Some("zstd")),
            ("compression.codec", None),
        ] {
            assert_eq!(config.get(name), value, "{name}");
        }
    }
}
