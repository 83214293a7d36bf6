//! An idempotent producer that is replaced after a fatal error.
//!
//! librdkafka's fatal errors (it lost its sequence in a partition, or may not be
//! idempotent) last as long as the producer: it never sends again, whatever the
//! state of Kafka. A new producer starts fresh.

use anyhow::Context as _;
use arc_swap::ArcSwap;
use rdkafka::ClientConfig;
use rdkafka::bindings as sys;
use rdkafka::producer::{Producer, ProducerContext, ThreadedProducer};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The time limit for a metadata query.
const ANSWER: Duration = Duration::from_secs(5);

/// A producer that is replaced after a fatal error.
pub(in crate::kafka) struct SelfHealingProducer<C: ProducerContext + Default + 'static> {
    /// What it sends, for the log.
    what: &'static str,
    config: ClientConfig,
    current: ArcSwap<ThreadedProducer<C>>,
    /// Held while a new producer is created: of many threads with a failed one,
    /// only one replaces it.
    making: Mutex<()>,
}

impl<C: ProducerContext + Default + 'static> SelfHealingProducer<C> {
    /// Contacts Kafka when it has something to send.
    ///
    /// # Errors
    /// When librdkafka rejects the properties.
    pub fn new(what: &'static str, config: ClientConfig) -> anyhow::Result<SelfHealingProducer<C>> {
        let first = config.create_with_context(C::default());
        let first = first.context("librdkafka rejected the Kafka properties")?;
        Ok(SelfHealingProducer {
            what,
            config,
            current: ArcSwap::from_pointee(first),
            making: Mutex::default(),
        })
    }

    /// The current producer.
    pub fn current(&self) -> Arc<ThreadedProducer<C>> {
        self.current.load_full()
    }

    /// Whether Kafka has a topic of this name; `None` if it does not answer.
    pub fn has_topic(&self, topic: &str) -> Option<bool> {
        let current = self.current();
        let metadata = current.client().fetch_metadata(Some(topic), ANSWER).ok()?;
        match metadata.topics().first()?.error() {
            None => Some(true),
            Some(sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => Some(false),
            Some(_) => None,
        }
    }

    /// Call this when this producer failed to send; replaces it after a fatal
    /// error.
    pub fn failed(&self, producer: &Arc<ThreadedProducer<C>>) {
        let Some((error, why)) = producer.client().fatal_error() else {
            return;
        };
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&self.current(), producer) {
            return;
        }
        let what = self.what;
        match self.config.create_with_context(C::default()) {
            Ok(fresh) => {
                tracing::error!(%error, why, "the Kafka producer of {what} failed and was replaced");
                self.current.store(Arc::new(fresh));
            }
            Err(error) => {
                tracing::error!(%error, "the Kafka producer of {what} failed and can't be replaced");
            }
        }
    }
}
