//! An idempotent producer that is replaced when it breaks.
//!
//! librdkafka's fatal errors (it lost its place in a partition, or may not be
//! idempotent) last as long as the producer: it sends nothing any more, whatever
//! becomes of Kafka. Another one begins anew.

use anyhow::Context as _;
use arc_swap::ArcSwap;
use rdkafka::ClientConfig;
use rdkafka::bindings as sys;
use rdkafka::producer::{Producer, ProducerContext, ThreadedProducer};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long it may take to say which topics there are.
const ANSWER: Duration = Duration::from_secs(5);

/// A producer that is replaced when it breaks.
pub(in crate::kafka) struct SelfHealingProducer<C: ProducerContext + Default + 'static> {
    /// What it sends, for the log.
    what: &'static str,
    config: ClientConfig,
    current: ArcSwap<ThreadedProducer<C>>,
    /// Held while another one is made: of many who wait for a broken one, one
    /// makes it.
    making: Mutex<()>,
}

impl<C: ProducerContext + Default + 'static> SelfHealingProducer<C> {
    /// Contacts Kafka when it has something to send.
    ///
    /// # Errors
    /// When librdkafka refuses the properties.
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

    /// The one that is used now.
    pub fn current(&self) -> Arc<ThreadedProducer<C>> {
        self.current.load_full()
    }

    /// Whether Kafka has a topic of this name; `None` where it does not say.
    pub fn has_topic(&self, topic: &str) -> Option<bool> {
        let current = self.current();
        let metadata = current.client().fetch_metadata(Some(topic), ANSWER).ok()?;
        match metadata.topics().first()?.error() {
            None => Some(true),
            Some(sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => Some(false),
            Some(_) => None,
        }
    }

    /// To be called when something could not be sent by this one; replaces it
    /// if it is broken.
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
                tracing::error!(%error, "the Kafka producer of {what} failed and can't be replaced")
            }
        }
    }
}
