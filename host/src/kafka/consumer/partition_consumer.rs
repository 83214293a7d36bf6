//! One partition's records.

use super::context::Context;
use crate::kafka::native::cluster_calls as admin;
use crate::kafka::native::headers;
use crate::record::{Batch, TopicPartition};
use rdkafka::Offset;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// How long a seek may take before the partition is given up.
const SEEK: Duration = Duration::from_secs(10);

/// How much one batch may hold.
#[derive(Clone, Copy, Debug)]
pub struct FillLimits {
    /// Records.
    pub records: usize,
    /// Bytes; one record may go past it.
    pub bytes: usize,
}

/// Why no more records come.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The offset is not in the partition: retention removed it, or it never
    /// was there.
    #[error("offset {0} is out of range (removed by retention, or past the end of the partition)")]
    OutOfRange(i64),
    /// Kafka said something else that may pass.
    #[error("Kafka: {0}")]
    Kafka(String),
}

/// One assigned partition's records, in order.
pub struct PartitionConsumer {
    origin: TopicPartition,
    queue: PartitionQueue<Context>,
    consumer: Arc<BaseConsumer<Context>>,
    /// An error that came after records that had to be handed out first.
    waiting: Option<KafkaError>,
}

impl PartitionConsumer {
    /// Splits the partition's queue off, so that none of its records goes
    /// elsewhere: before it is assigned.
    pub(in crate::kafka) fn split(
        consumer: &Arc<BaseConsumer<Context>>,
        origin: &TopicPartition,
    ) -> Option<PartitionConsumer> {
        let queue = consumer.split_partition_queue(&origin.topic, origin.partition)?;
        let (origin, consumer) = (origin.clone(), consumer.clone());
        Some(PartitionConsumer {
            origin,
            queue,
            consumer,
            waiting: None,
        })
    }

    /// Which partition it is.
    pub fn origin(&self) -> &TopicPartition {
        &self.origin
    }

    /// Calls `wake` (from librdkafka's thread: it must not block) when records
    /// come to an empty one.
    pub fn on_records(&mut self, wake: impl Fn() + Send + Sync + 'static) {
        self.queue.set_nonempty_callback(wake);
    }

    /// Moves what has arrived into `batch`, from offset `next` on. Does not
    /// wait.
    ///
    /// # Errors
    /// Only when there was nothing to hand out before.
    pub fn fill(
        &mut self,
        batch: &mut Batch,
        next: i64,
        limits: FillLimits,
    ) -> Result<(), FetchError> {
        if let Some(error) = self.waiting.take() {
            return Err(fetch_error(&error, next));
        }
        while batch.records.len() < limits.records && batch.arena.len() < limits.bytes {
            match self.queue.poll(Duration::ZERO) {
                None => break,
                Some(Ok(message)) => push(batch, &message, next),
                Some(Err(error)) if batch.records.is_empty() => {
                    return Err(fetch_error(&error, next));
                }
                Some(Err(error)) => {
                    self.waiting = Some(error);
                    break;
                }
            }
        }
        Ok(())
    }

    /// The offset after what was handed out last, and after what is never
    /// handed out behind it: aborted records and the markers of transactions.
    /// `None` until something came since it was assigned or sought.
    pub fn position(&self) -> Option<i64> {
        let TopicPartition { topic, partition } = &self.origin;
        // SAFETY: the consumer lives as long as `self`.
        unsafe { admin::position(self.consumer.client().native_ptr(), topic, *partition) }
    }

    /// Goes to another offset. Blocks until Kafka's client did, at most 10 s.
    ///
    /// # Errors
    /// When it did not.
    pub fn seek(&mut self, offset: i64) -> Result<(), FetchError> {
        let TopicPartition { topic, partition } = &self.origin;
        self.waiting = None;
        self.consumer
            .seek(topic, *partition, Offset::Offset(offset), SEEK)
            .map_err(|e| FetchError::Kafka(format!("can't seek to offset {offset}: {e}")))
    }
}

fn push(batch: &mut Batch, message: &BorrowedMessage, next: i64) {
    // A seek's leftovers, if there ever are any.
    if message.offset() < next {
        return;
    }
    let timestamp = message.timestamp().to_millis().unwrap_or(-1);
    let headers = headers::of(message);
    batch.push(
        message.offset(),
        timestamp,
        message.key(),
        message.payload(),
        headers,
    );
}

fn fetch_error(error: &KafkaError, next: i64) -> FetchError {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
            FetchError::OutOfRange(next)
        }
        _ => FetchError::Kafka(error.to_string()),
    }
}
