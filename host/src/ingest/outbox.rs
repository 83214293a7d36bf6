//! What goes out to Kafka, and the receipts that it arrived.

use super::KafkaSettings;
use super::admin;
use super::context::{Complaints, log};
use super::lasting::Lasting;
use super::produce::{Placing, produce};
use crate::record::Outgoing;
use metrics::Counter;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{Producer, ProducerContext};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a topic may take to be made.
const CREATE: Duration = Duration::from_secs(10);

/// An idempotent producer. Clones share it.
#[derive(Clone)]
pub struct Outbox {
    producer: Arc<Lasting<Deliveries>>,
}

/// What became of the records that were sent under it.
#[derive(Default)]
pub struct Receipts {
    state: Mutex<Arrivals>,
    arrived: Condvar,
    /// Counts what did not arrive, where nobody waits.
    lost: Option<Counter>,
}

#[derive(Default)]
struct Arrivals {
    awaited: usize,
    /// Indices of what did not arrive, and why.
    failed: Vec<(usize, Undelivered)>,
}

/// Why Kafka does not have a record.
#[derive(Debug)]
pub struct Undelivered {
    /// For people.
    pub why: String,
    /// There is no such topic.
    pub no_topic: bool,
}

impl From<&KafkaError> for Undelivered {
    fn from(error: &KafkaError) -> Undelivered {
        use RDKafkaErrorCode::{UnknownTopic, UnknownTopicOrPartition};
        let code = error.rdkafka_error_code();
        Undelivered {
            why: error.to_string(),
            no_topic: matches!(code, Some(UnknownTopic | UnknownTopicOrPartition)),
        }
    }
}

impl Receipts {
    fn state(&self) -> MutexGuard<'_, Arrivals> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, index: usize, result: Result<(), Undelivered>) {
        if let Some(lost) = &self.lost {
            return lost.increment(u64::from(result.is_err()));
        }
        let mut state = self.state();
        state.awaited -= 1;
        state.failed.extend(result.err().map(|why| (index, why)));
        if state.awaited == 0 {
            self.arrived.notify_all();
        }
    }

    /// Waits until Kafka answered for all that was sent, or `until` passed:
    /// then `None`. Otherwise the indices of what failed, and why.
    pub fn wait(&self, until: Instant) -> Option<Vec<(usize, Undelivered)>> {
        let mut state = self.state();
        while state.awaited > 0 {
            let left = until.checked_duration_since(Instant::now())?;
            let waited = self.arrived.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(std::mem::take(&mut state.failed))
    }
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
        receipts.note(
            index,
            result.as_ref().map(drop).map_err(|(error, _)| error.into()),
        );
    }
}

impl Outbox {
    /// A producer. Contacts Kafka when it has something to send.
    ///
    /// # Errors
    /// When librdkafka refuses the properties.
    pub fn new(kafka: &KafkaSettings) -> anyhow::Result<Outbox> {
        let producer = Lasting::new("dead letters and events", kafka.producer())?;
        Ok(Outbox {
            producer: Arc::new(producer),
        })
    }

    /// Sends `outgoing`; what becomes of it is noted in `receipts` under
    /// `index`. Waits while librdkafka's queue is full.
    pub fn send(&self, outgoing: &Outgoing, index: usize, receipts: &Arc<Receipts>) {
        receipts.state().awaited += 1;
        let mut receipt = Box::new((receipts.clone(), index));
        loop {
            let producer = self.producer.current();
            let sent = produce(producer.client(), outgoing, Placing::default(), receipt);
            let Err((error, returned)) = sent else {
                return;
            };
            if error != RDKafkaErrorCode::QueueFull {
                // Who sends it again does so with another producer.
                self.producer.failed(&producer);
                receipts.note(index, Err((&KafkaError::MessageProduction(error)).into()));
                return;
            }
            receipt = returned;
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends `outgoing`; what does not arrive is counted as `lost`. Waits while
    /// librdkafka's queue is full.
    pub fn tell(&self, outgoing: &Outgoing, lost: &Counter) {
        let receipts = Receipts {
            lost: Some(lost.clone()),
            ..Receipts::default()
        };
        self.send(outgoing, 0, &Arc::new(receipts));
    }

    /// Whether Kafka has a topic of this name; `None` where it does not say.
    pub fn has_topic(&self, topic: &str) -> Option<bool> {
        self.producer.has_topic(topic)
    }

    /// Makes a topic, as the broker makes topics by itself; one that is there
    /// is fine.
    ///
    /// # Errors
    /// What Kafka has against it.
    pub fn create_topic(&self, topic: &str) -> anyhow::Result<()> {
        let producer = self.producer.current();
        // SAFETY: the producer lives until this returns.
        unsafe { admin::create_topic(producer.client().native_ptr(), topic, CREATE) }
    }

    /// Waits until all that was sent is answered for, at most `patience`.
    pub fn flush(&self, patience: Duration) {
        if let Err(error) = self.producer.current().flush(patience) {
            tracing::warn!(%error, "not all that goes to Kafka has arrived");
        }
    }
}
