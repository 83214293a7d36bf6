//! Writing to a topic, with a result for every record.

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
    /// To this partition alone.
    pub partition: Option<i32>,
    /// `all`, `1` or `0`: who must have a record before it is acknowledged.
    pub acks: String,
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`; if none is named, as the
    /// properties have it.
    pub compression: Option<String>,
}

/// What became of a record.
pub struct SendResult {
    /// The number that it was sent under.
    pub number: u64,
    /// Its partition and offset, or why Kafka does not have it. The offset is
    /// -1 where nobody acknowledges.
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
    /// Bounded by librdkafka's queue of what is in flight, since whoever sends
    /// takes them.
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
    /// Why a topic acknowledges nothing, as far as it shows.
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

    /// A setting that is a number, where we may see it.
    fn setting(&self, topic: &str, name: &str) -> Option<usize> {
        let configs = self.configs(topic).ok()?;
        let config = configs.into_iter().find(|config| config.name == name)?;
        config.value?.parse().ok()
    }
}

/// A producer's properties; `largest` is the largest batch that the topic takes.
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
    // Kafka's own order and no doubles, where it is asked for all.
    or("enable.idempotence", &(sending.acks == "all").to_string());
    // Key by key to the same partition as Java's clients.
    or("partitioner", "murmur2_random");
    or("linger.ms", "5");
    or("message.timeout.ms", "30000");
    // A batch that is larger than the topic takes is refused with all that
    // is in it, however small.
    if let Some(largest) = largest {
        or("batch.size", &largest.clamp(1, 1_000_000).to_string());
    }
    // Let the broker be the one that refuses.
    or("message.max.bytes", "1000000000");
    config
}

const MIN_IN_SYNC: &str = "min.insync.replicas";

impl Sender {
    /// A producer to a topic that is there: none is made by writing to it.
    ///
    /// # Errors
    /// When the topic or the partition is not there, or librdkafka refuses the
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

    /// Sends a record under a number, while `wait` says so for as long as the
    /// queue is full. False: it did not, and nothing was sent.
    ///
    /// # Errors
    /// Why librdkafka does not take it at all.
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

    /// Lets results arrive, for at most `patience`.
    pub fn poll(&self, patience: Duration) {
        self.producer.poll(patience);
    }

    /// The results that have arrived since.
    pub fn results(&self) -> Vec<SendResult> {
        std::mem::take(&mut self.producer.context().arrived())
    }

    /// How many records have no result yet.
    pub fn in_flight(&self) -> i32 {
        self.producer.in_flight_count()
    }

    /// The topic that it writes to.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Ends without a further wait; what has no result is given up.
    pub fn abandon(self) {
        // Destroying it would wait for what is in flight.
        std::mem::forget(self.producer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_win_over_defaults_and_options_over_properties_by_any_name() {
        let properties = [
            ("delivery.timeout.ms", "7"),
            ("queue.buffering.max.ms", "7"),
            ("compression.codec", "lz4"),
        ];
        let own = properties.map(|(name, value)| (name.into(), value.into()));
        let settings = KafkaSettings {
            bootstrap_servers: "kafka:9092".into(),
            properties: own.into(),
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
