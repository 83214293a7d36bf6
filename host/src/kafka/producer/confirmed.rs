//! Writes single records to Kafka; the caller waits for each.

use super::self_healing::SelfHealingProducer;
use crate::kafka::KafkaSettings;
use crate::kafka::consumer::context::{Complaints, log};
use crate::kafka::native::alias;
use crate::kafka::native::produce::{Placing, produce};
use crate::record::Outgoing;
use rdkafka::ClientContext;
use rdkafka::bindings as sys;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, DeliveryResult};
use rdkafka::producer::{Producer, ProducerContext};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How much longer than librdkafka's time-out to wait for an answer: it checks
/// for timed-out records once a second, one queue after the other.
const GRACE: Duration = Duration::from_secs(3);

/// An idempotent producer that reports the result of each record separately.
#[derive(Clone)]
pub struct ConfirmedProducer {
    producer: Arc<SelfHealingProducer<Confirmations>>,
    patience: Duration,
}

/// Kafka did not acknowledge a record in time.
#[derive(Debug)]
pub struct NotAcknowledged {
    /// The reason, for people.
    pub why: String,
    /// Whether Kafka certainly does not have the record, and will not get it.
    pub certain: bool,
    /// The record is larger than Kafka's limit.
    pub too_large: bool,
}

type Answer = Result<(), NotAcknowledged>;

#[derive(Default)]
struct Confirmations(Complaints);

impl ClientContext for Confirmations {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.of_producer(&error, reason);
    }
}

impl ProducerContext for Confirmations {
    type DeliveryOpaque = Box<oneshot::Sender<Answer>>;

    fn delivery(&self, result: &DeliveryResult<'_>, waiting: Self::DeliveryOpaque) {
        let answer = result.as_ref().map(drop);
        let answer = answer.map_err(|(error, message)| NotAcknowledged {
            why: error.to_string(),
            certain: is_not_there(message),
            too_large: error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge),
        });
        // The receiver may be gone.
        let _ = waiting.send(answer);
    }
}

/// Whether Kafka certainly does not have the record: it was never sent, or it was
/// refused. A record that was sent but not acknowledged may be stored, now or
/// later.
fn is_not_there(message: &BorrowedMessage<'_>) -> bool {
    // SAFETY: librdkafka's message lives as long as it is borrowed.
    let status = unsafe { sys::rd_kafka_message_status(message.ptr()) };
    status == sys::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED
}

impl ConfirmedProducer {
    /// A producer whose records must be acknowledged within `patience`.
    /// Contacts Kafka when it has something to send.
    ///
    /// # Errors
    /// When librdkafka rejects the properties.
    pub fn new(kafka: &KafkaSettings, patience: Duration) -> anyhow::Result<ConfirmedProducer> {
        let mut config = kafka.producer();
        let millis = patience.as_millis().to_string();
        alias::replace(&mut config, "message.timeout.ms", &millis);
        // Records that wait for an unreachable broker are checked only on
        // reconnects, by default every ten seconds.
        if config.get("reconnect.backoff.ms").is_none() {
            config.set("reconnect.backoff.max.ms", "1000");
        }
        Ok(ConfirmedProducer {
            producer: Arc::new(SelfHealingProducer::new("tasks", config)?),
            patience,
        })
    }

    /// Whether Kafka has a topic of this name; `None` if it does not answer.
    pub fn has_topic(&self, topic: &str) -> Option<bool> {
        self.producer.has_topic(topic)
    }

    /// Sends a record and waits until every in-sync replica has it.
    ///
    /// # Errors
    /// When the acknowledgement does not arrive in time.
    pub async fn deliver(&self, outgoing: &Outgoing) -> Answer {
        let producer = self.producer.current();
        let (waiting, answer) = oneshot::channel();
        let waiting = Box::new(waiting);
        let sent = produce(producer.client(), outgoing, Placing::default(), waiting);
        let answer = match sent {
            Ok(()) => timeout(self.patience + GRACE, answer).await,
            Err((error, _)) => Ok(Ok(Err(not_taken(error)))),
        };
        let silent = || NotAcknowledged {
            why: "no answer from the Kafka client".into(),
            certain: false,
            too_large: false,
        };
        let answer = answer.ok().and_then(Result::ok);
        let answer = answer.unwrap_or_else(|| Err(silent()));
        if answer.is_err() {
            self.producer.failed(&producer);
        }
        answer
    }
}

fn not_taken(error: RDKafkaErrorCode) -> NotAcknowledged {
    let why = match error {
        RDKafkaErrorCode::QueueFull => "the queue of records for Kafka is full".into(),
        other => KafkaError::MessageProduction(other).to_string(),
    };
    NotAcknowledged {
        why,
        certain: true,
        too_large: error == RDKafkaErrorCode::MessageSizeTooLarge,
    }
}
