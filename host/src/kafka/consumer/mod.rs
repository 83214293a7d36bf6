//! A pipeline's member of its consumer group.
//!
//! Promises: one [`PartitionConsumer`] for each assigned partition, starting
//! where the pipeline's ledger says and nowhere else; polling that never stops,
//! so that a slow pipeline stays in its group; no commit beyond what the pipeline
//! reports as done. This folder deliberately does not know ledgers, plugins or
//! Redis: it asks [`Partitions`].

mod cluster;
pub(in crate::kafka) mod context;
mod group;
mod leave;
mod member_id;
mod member_slot;
mod options;
mod partition_consumer;
mod partition_counts;
mod poller;
mod shared;
mod start_thread;

pub use cluster::Cluster;
pub use group::GroupConsumer;
pub use options::GroupConsumerOptions;
pub use partition_consumer::{FetchError, FillLimits, PartitionConsumer};

use crate::record::TopicPartition;
use std::fmt;

/// Where a partition starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this offset.
    At(i64),
    /// Nowhere, for this reason: it is assigned, but not read.
    Halted(String),
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Start::At(offset) => write!(f, "offset {offset}"),
            Start::Halted(why) => write!(f, "halted: {why}"),
        }
    }
}

/// What can't start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotYet {
    /// This partition: Kafka can't answer a query about it.
    Partition,
    /// Any partition: a server that all of them need does not answer.
    Any,
}

/// A partition's offset to commit to Kafka.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commit {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset of the next record.
    pub next: i64,
    /// The metadata to commit with it.
    pub metadata: String,
}

/// What the group consumer asks of the pipeline, on its own threads.
pub trait Partitions: Send + Sync + 'static {
    /// Looks up where an assigned partition starts: one try, which may block for
    /// some seconds.
    ///
    /// # Errors
    /// When the start can't be determined now.
    fn start(&self, partition: &TopicPartition, cluster: &Cluster) -> Result<Start, NotYet>;

    /// A partition whose start was not known yet was revoked.
    fn forget(&self, partition: &TopicPartition);

    /// The partition is assigned: `records` delivers its records.
    fn begin(&self, records: PartitionConsumer, start: Start);

    /// These partitions are being revoked (with `lost`: they were lost already).
    /// Finishes or abandons batches in hand, in bounded time, and returns the
    /// offsets to commit.
    fn revoked(&self, partitions: &[TopicPartition], lost: bool) -> Vec<Commit>;

    /// The pipeline is stopping: threads that serve it may end.
    fn stopping(&self) -> bool;

    /// The offsets that are done, for the commit that lag tools read.
    fn done(&self) -> Vec<Commit>;

    /// Called a few times a second, between calls of [`Partitions::start`]: may
    /// block briefly. Returns the partitions to reopen, whose consumers are
    /// dropped.
    fn look_after(&self, cluster: &Cluster) -> Vec<TopicPartition>;
}
