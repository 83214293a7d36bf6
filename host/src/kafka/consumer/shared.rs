//! What a group consumer and its polling thread share.

use super::context::Context;
use crate::process::Pulse;
use rdkafka::consumer::BaseConsumer;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// Shared with the polling thread.
pub(super) struct Shared {
    /// A consumer that was fenced is replaced.
    pub consumer: Mutex<Arc<BaseConsumer<Context>>>,
    pub stopping: AtomicBool,
    /// The pulse of the polling thread.
    pub polls: Pulse,
    /// The pulse of the start thread.
    pub starts: Arc<Pulse>,
}

impl Shared {
    /// The present consumer.
    pub fn consumer(&self) -> Arc<BaseConsumer<Context>> {
        let consumer = self.consumer.lock();
        consumer.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
