//! The records of one partition.

use super::context::Context;
use crate::kafka::native::cluster_calls as admin;
use crate::kafka::native::fetched::{Fetched, Record};
use crate::record::{Batch, TopicPartition};
use rdkafka::Offset;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// The time limit for a seek; after that the partition is released.
const SEEK: Duration = Duration::from_secs(10);

/// How much one batch may hold.
#[derive(Clone, Copy, Debug)]
pub struct FillLimits {
    /// Records.
    pub records: usize,
    /// Bytes; the last record may exceed it.
    pub bytes: usize,
}

/// Why no more records come.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The offset is not in the partition: retention removed it, or it never
    /// existed.
    #[error("offset {0} is out of range (removed by retention, or past the end of the partition)")]
    OutOfRange(i64),
    /// Another error from Kafka, which may be temporary.
    #[error("Kafka: {0}")]
    Kafka(String),
}

/// One assigned partition's records, in order.
pub struct PartitionConsumer {
    origin: TopicPartition,
    /// Before the consumer, which must outlive it.
    fetched: Fetched,
    queue: PartitionQueue<Context>,
    consumer: Arc<BaseConsumer<Context>>,
    /// An error that arrived after records that must be returned first.
    waiting: Option<KafkaError>,
}

impl PartitionConsumer {
    /// Splits off the partition's queue, before it is assigned, so that none of
    /// its records goes elsewhere.
    pub(in crate::kafka) fn split(
        consumer: &Arc<BaseConsumer<Context>>,
        origin: &TopicPartition,
    ) -> Option<PartitionConsumer> {
        let TopicPartition { topic, partition } = origin;
        let queue = consumer.split_partition_queue(topic, *partition)?;
        // SAFETY: the consumer is dropped after it.
        let fetched = unsafe { Fetched::of(consumer.client().native_ptr(), topic, *partition)? };
        let (origin, consumer) = (origin.clone(), consumer.clone());
        Some(PartitionConsumer {
            origin,
            fetched,
            queue,
            consumer,
            waiting: None,
        })
    }

    /// Which partition it is.
    pub fn origin(&self) -> &TopicPartition {
        &self.origin
    }

    /// Calls `wake` when records arrive in an empty queue. It runs on
    /// librdkafka's thread, so it must not block.
    pub fn on_records(&mut self, wake: impl Fn() + Send + Sync + 'static) {
        self.queue.set_nonempty_callback(wake);
    }

    /// Moves the records that have arrived into `batch`, from offset `next`. Does
    /// not wait.
    ///
    /// # Errors
    /// Only if there were no records to return first.
    pub fn fill(
        &mut self,
        batch: &mut Batch,
        next: i64,
        limits: FillLimits,
    ) -> Result<(), FetchError> {
        if let Some(error) = self.waiting.take() {
            return Err(fetch_error(&error, next));
        }
        let mut next = next;
        while batch.records.len() < limits.records && batch.arena.len() < limits.bytes {
            let room = limits.records - batch.records.len();
            let bytes = limits.bytes - batch.arena.len();
            match self.fetched.next(room, bytes) {
                None => break,
                // Records from before a seek, if there are any; or those that librdkafka
                // fetched again after a rebalance, though we had taken them.
                Some(Ok(record)) if record.offset() < next => {}
                Some(Ok(record)) => {
                    next = record.offset() + 1;
                    push(batch, &record);
                }
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

    /// The offset after the last record that was returned and after what follows
    /// it but is never returned: aborted records and transaction markers. `None`
    /// until a record has arrived since the assignment or the last seek. librdkafka also
    /// counts a fetch error as a record; a seek corrects that.
    pub fn position(&self) -> Option<i64> {
        let TopicPartition { topic, partition } = &self.origin;
        // SAFETY: the consumer lives as long as `self`.
        unsafe { admin::position(self.consumer.client().native_ptr(), topic, *partition) }
    }

    /// Seeks to another offset. Blocks until librdkafka is done, at most 10 s.
    ///
    /// # Errors
    /// When the seek fails.
    pub fn seek(&mut self, offset: i64) -> Result<(), FetchError> {
        let TopicPartition { topic, partition } = &self.origin;
        self.waiting = None;
        self.fetched.clear();
        self.consumer
            .seek(topic, *partition, Offset::Offset(offset), SEEK)
            .map_err(|e| FetchError::Kafka(format!("can't seek to offset {offset}: {e}")))
    }
}

fn push(batch: &mut Batch, record: &Record) {
    batch.push(
        record.offset(),
        record.timestamp(),
        record.key(),
        record.value(),
        record.headers(),
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
