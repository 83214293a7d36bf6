//! The producer of dead letters and events, with receipts for the records it
//! sends.

use super::receipts::{Receipts, RecordPosition};
use super::self_healing::SelfHealingProducer;
use crate::kafka::KafkaSettings;
use crate::kafka::consumer::context::{Complaints, log};
use crate::kafka::native::cluster_calls as admin;
use crate::kafka::native::produce::{Placing, produce};
use crate::record::Outgoing;
use metrics::Counter;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, DeliveryResult, Message};
use rdkafka::producer::{Producer as _, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What it sends, for the log.
const WHAT: &str = "dead letters and events";

/// The time limit for creating a topic.
const CREATE: Duration = Duration::from_secs(10);

/// An idempotent producer. Clones share it.
#[derive(Clone)]
pub struct Producer {
    producer: Arc<SelfHealingProducer<Deliveries>>,
    /// Sends each record in a separate request. Created on first use.
    lone: Arc<OnceLock<SelfHealingProducer<Deliveries>>>,
    properties: ClientConfig,
}

/// How records share requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sending {
    /// With others: a request that is too large fails all its records.
    #[default]
    Together,
    /// Alone: if the request is too large, this record is.
    Alone,
}

#[derive(Default)]
struct Deliveries(Complaints);

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.of_producer(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<(Arc<Receipts>, usize)>;

    fn delivery(&self, result: &DeliveryResult<'_>, receipt: Self::DeliveryOpaque) {
        let (receipts, index) = *receipt;
        let place = |message: &BorrowedMessage<'_>| RecordPosition {
            partition: message.partition(),
            offset: message.offset(),
        };
        receipts.note(
            index,
            result
                .as_ref()
                .map(place)
                .map_err(|(error, _)| error.into()),
        );
    }
}

impl Producer {
    /// A producer. Contacts Kafka when it has something to send.
    ///
    /// # Errors
    /// When librdkafka rejects the properties.
    pub fn new(kafka: &KafkaSettings) -> anyhow::Result<Producer> {
        let mut properties = kafka.producer();
        // A record that could be read compressed must be writable.
        kafka.or(&mut properties, "compression.codec", "zstd");
        let producer = SelfHealingProducer::new(WHAT, properties.clone())?;
        Ok(Producer {
            producer: Arc::new(producer),
            lone: Arc::default(),
            properties,
        })
    }

    fn producer(&self, sending: Sending) -> &SelfHealingProducer<Deliveries> {
        if sending == Sending::Together {
            return &self.producer;
        }
        if let Some(lone) = self.lone.get() {
            return lone;
        }
        let mut properties = self.properties.clone();
        properties.set("batch.num.messages", "1");
        match SelfHealingProducer::new(WHAT, properties) {
            Ok(lone) => self.lone.get_or_init(|| lone),
            Err(error) => {
                tracing::error!(
                    "can't create the producer for oversize records; sending them with others: {error:#}"
                );
                &self.producer
            }
        }
    }

    /// Sends `outgoing`; its result goes to `receipts` under `index`. Waits while
    /// librdkafka's queue is full.
    pub fn send(
        &self,
        outgoing: &Outgoing,
        index: usize,
        receipts: &Arc<Receipts>,
        sending: Sending,
    ) {
        receipts.expect_one();
        let mut receipt = Box::new((receipts.clone(), index));
        let producers = self.producer(sending);
        loop {
            let producer = producers.current();
            let sent = produce(producer.client(), outgoing, Placing::default(), receipt);
            let Err((error, returned)) = sent else {
                return;
            };
            if error != RDKafkaErrorCode::QueueFull {
                // A retry then uses another producer.
                producers.failed(&producer);
                receipts.note(index, Err((&KafkaError::MessageProduction(error)).into()));
                return;
            }
            receipt = returned;
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends `outgoing`; a failed delivery is counted in `lost`. Waits while
    /// librdkafka's queue is full.
    pub fn tell(&self, outgoing: &Outgoing, lost: &Counter) {
        let receipts = Arc::new(Receipts::counting(lost.clone()));
        self.send(outgoing, 0, &receipts, Sending::Together);
    }

    /// Whether Kafka has a topic of this name; `None` if it does not answer.
    pub fn has_topic(&self, topic: &str) -> Option<bool> {
        self.producer.has_topic(topic)
    }

    /// Creates a topic with the brokers' defaults; an existing one is no error.
    ///
    /// # Errors
    /// Kafka's reason to refuse.
    pub fn create_topic(&self, topic: &str) -> anyhow::Result<()> {
        let producer = self.producer.current();
        // SAFETY: the producer lives until this returns.
        unsafe { admin::create_topic(producer.client().native_ptr(), topic, CREATE) }
    }

    /// Waits until all sent records have a result, at most `patience`.
    pub fn flush(&self, patience: Duration) {
        if let Err(error) = self.producer.current().flush(patience) {
            tracing::warn!(%error, "not all records were delivered to Kafka");
        }
    }
}
