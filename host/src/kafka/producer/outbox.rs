//! What goes out to Kafka, and the receipts that it arrived.

use super::lasting::Lasting;
use crate::kafka::KafkaSettings;
use crate::kafka::consumer::context::{Complaints, log};
use crate::kafka::native::cluster_calls as admin;
use crate::kafka::native::produce::{Placing, produce};
use crate::record::Outgoing;
use metrics::Counter;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, DeliveryResult, Message};
use rdkafka::producer::{Producer, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What it sends, for the log.
const WHAT: &str = "dead letters and events";

/// How long a topic may take to be made.
const CREATE: Duration = Duration::from_secs(10);

/// An idempotent producer. Clones share it.
#[derive(Clone)]
pub struct Outbox {
    producer: Arc<Lasting<Deliveries>>,
    /// Sends each record in a request of its own. Made when it is first needed.
    lone: Arc<OnceLock<Lasting<Deliveries>>>,
    properties: ClientConfig,
}

/// How records share requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sending {
    /// With others: a request that is too large says so of all its records.
    #[default]
    Together,
    /// Alone: if it is too large, this record is.
    Alone,
}

/// What became of the records that were sent under it.
#[derive(Default)]
pub struct Receipts {
    state: Mutex<Arrivals>,
    arrived: Condvar,
    /// Called when nothing is awaited any more.
    settled: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Counts what did not arrive, where nobody waits.
    lost: Option<Counter>,
}

#[derive(Default)]
struct Arrivals {
    awaited: usize,
    answers: Answers,
}

/// Kafka's answers: by index.
#[derive(Debug, Default)]
pub struct Answers {
    /// What arrived, and where.
    pub placed: Vec<(usize, Place)>,
    /// What did not arrive, and why.
    pub failed: Vec<(usize, Undelivered)>,
}

/// Where in its topic a record is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The partition.
    pub partition: i32,
    /// The offset there.
    pub offset: i64,
}

/// Why Kafka does not have a record.
#[derive(Debug)]
pub struct Undelivered {
    /// For people.
    pub why: String,
    /// There is no such topic.
    pub no_topic: bool,
    /// It, or the request that it was in, is larger than the topic takes.
    pub too_large: bool,
}

impl From<&KafkaError> for Undelivered {
    fn from(error: &KafkaError) -> Undelivered {
        use RDKafkaErrorCode::{
            InvalidMessageSize, MessageBatchTooLarge, MessageSizeTooLarge, UnknownTopic,
            UnknownTopicOrPartition,
        };
        let code = error.rdkafka_error_code();
        let too_large = [
            MessageSizeTooLarge,
            MessageBatchTooLarge,
            InvalidMessageSize,
        ];
        Undelivered {
            why: error.to_string(),
            no_topic: matches!(code, Some(UnknownTopic | UnknownTopicOrPartition)),
            too_large: code.is_some_and(|code| too_large.contains(&code)),
        }
    }
}

impl Receipts {
    /// Receipts that call `settled` each time that nothing is awaited any more.
    pub fn calling(settled: Arc<dyn Fn() + Send + Sync>) -> Receipts {
        Receipts {
            settled: Some(settled),
            ..Receipts::default()
        }
    }

    fn state(&self) -> MutexGuard<'_, Arrivals> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, index: usize, result: Result<Place, Undelivered>) {
        if let Some(lost) = &self.lost {
            return lost.increment(u64::from(result.is_err()));
        }
        let mut state = self.state();
        state.awaited -= 1;
        match result {
            Ok(place) => state.answers.placed.push((index, place)),
            Err(why) => state.answers.failed.push((index, why)),
        }
        if state.awaited == 0 {
            drop(state);
            self.arrived.notify_all();
            if let Some(settled) = &self.settled {
                settled();
            }
        }
    }

    /// The answers since the last look, once nothing is awaited any more.
    pub fn look(&self) -> Option<Answers> {
        let mut state = self.state();
        (state.awaited == 0).then(|| std::mem::take(&mut state.answers))
    }

    /// Waits until Kafka answered for all that was sent, or `until` passed:
    /// then `None`. Otherwise the answers.
    pub fn wait(&self, until: Instant) -> Option<Answers> {
        let mut state = self.state();
        while state.awaited > 0 {
            let left = until.checked_duration_since(Instant::now())?;
            let waited = self.arrived.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(std::mem::take(&mut state.answers))
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
        let place = |message: &BorrowedMessage<'_>| Place {
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

impl Outbox {
    /// A producer. Contacts Kafka when it has something to send.
    ///
    /// # Errors
    /// When librdkafka refuses the properties.
    pub fn new(kafka: &KafkaSettings) -> anyhow::Result<Outbox> {
        let mut properties = kafka.producer();
        // What could be read compressed must be possible to write.
        kafka.or(&mut properties, "compression.codec", "zstd");
        let producer = Lasting::new(WHAT, properties.clone())?;
        Ok(Outbox {
            producer: Arc::new(producer),
            lone: Arc::default(),
            properties,
        })
    }

    fn producer(&self, sending: Sending) -> &Lasting<Deliveries> {
        if sending == Sending::Together {
            return &self.producer;
        }
        if let Some(lone) = self.lone.get() {
            return lone;
        }
        let mut properties = self.properties.clone();
        properties.set("batch.num.messages", "1");
        match Lasting::new(WHAT, properties) {
            Ok(lone) => self.lone.get_or_init(|| lone),
            Err(error) => {
                tracing::error!("can't send large records alone: {error:#}");
                &self.producer
            }
        }
    }

    /// Sends `outgoing`; what becomes of it is noted in `receipts` under
    /// `index`. Waits while librdkafka's queue is full.
    pub fn send(
        &self,
        outgoing: &Outgoing,
        index: usize,
        receipts: &Arc<Receipts>,
        sending: Sending,
    ) {
        receipts.state().awaited += 1;
        let mut receipt = Box::new((receipts.clone(), index));
        let producers = self.producer(sending);
        loop {
            let producer = producers.current();
            let sent = produce(producer.client(), outgoing, Placing::default(), receipt);
            let Err((error, returned)) = sent else {
                return;
            };
            if error != RDKafkaErrorCode::QueueFull {
                // Who sends it again does so with another producer.
                producers.failed(&producer);
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
        self.send(outgoing, 0, &Arc::new(receipts), Sending::Together);
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
