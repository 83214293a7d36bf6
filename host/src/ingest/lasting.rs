//! An idempotent producer that is replaced when it breaks.
//!
//! librdkafka's fatal errors (it lost its place in a partition, or may not be
//! idempotent) last as long as the producer: it sends nothing any more, whatever
//! becomes of Kafka. Another one begins anew.

use anyhow::Context as _;
use arc_swap::ArcSwap;
use rdkafka::ClientConfig;
use rdkafka::producer::{Producer, ProducerContext, ThreadedProducer};
use std::sync::Arc;

/// A producer that lasts.
pub(super) struct Lasting<C: ProducerContext + Default + 'static> {
    /// What it sends, for the log.
    what: &'static str,
    config: ClientConfig,
    current: ArcSwap<ThreadedProducer<C>>,
}

impl<C: ProducerContext + Default + 'static> Lasting<C> {
    /// Contacts Kafka when it has something to send.
    ///
    /// # Errors
    /// When librdkafka refuses the properties.
    pub fn new(what: &'static str, config: ClientConfig) -> anyhow::Result<Lasting<C>> {
        let first = config.create_with_context(C::default());
        let first = first.context("librdkafka refuses the Kafka properties")?;
        Ok(Lasting {
            what,
            config,
            current: ArcSwap::from_pointee(first),
        })
    }

    /// The one that is used now.
    pub fn current(&self) -> Arc<ThreadedProducer<C>> {
        self.current.load_full()
    }

    /// To be called when something could not be sent by this one; replaces it
    /// if it is broken.
    pub fn failed(&self, producer: &Arc<ThreadedProducer<C>>) {
        let Some((error, why)) = producer.client().fatal_error() else {
            return;
        };
        let what = self.what;
        match self.config.create_with_context(C::default()) {
            Ok(fresh) => {
                tracing::error!(%error, why, "the producer of {what} broke; there is another one");
                // Of several who see it one replaces it.
                self.current.compare_and_swap(producer, Arc::new(fresh));
            }
            Err(error) => tracing::error!(%error, "the producer of {what} broke"),
        }
    }
}
