//! A pipeline's member of its consumer group.
//!
//! Promises: one [`PartitionConsumer`] for each assigned partition, beginning
//! where the pipeline's ledger says and never elsewhere; polling that never
//! stops, so that a slow pipeline stays in its group; nothing committed that the
//! pipeline did not call done. This folder deliberately knows nothing of
//! ledgers, plugins or Redis: it asks [`Partitions`].

mod cluster;
pub(in crate::kafka) mod context;
mod group;
mod partition_consumer;
mod start_thread;

pub use cluster::Cluster;
pub use group::{GroupConsumer, GroupConsumerOptions};
pub use partition_consumer::{FetchError, FillLimits, PartitionConsumer};

use crate::record::TopicPartition;
use std::fmt;

/// Where a partition begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this offset.
    At(i64),
    /// Not at all, for this reason: it is held, and nothing of it is read.
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

/// What can't be started now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotYet {
    /// This partition: Kafka can't answer for it.
    Partition,
    /// Any: what all of them need does not answer.
    Any,
}

/// A partition's offset for Kafka.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commit {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset of the next record.
    pub next: i64,
    /// What is kept beside it.
    pub metadata: String,
}

/// What the group's consumer asks of the pipeline, on threads of its own.
pub trait Partitions: Send + Sync + 'static {
    /// Where an assigned partition begins: one try, which may block for some
    /// seconds.
    ///
    /// # Errors
    /// When that can't be known now.
    fn start(&self, partition: &TopicPartition, cluster: &Cluster) -> Result<Start, NotYet>;

    /// A partition whose start was not known yet is not ours any more.
    fn forget(&self, partition: &TopicPartition);

    /// The partition is ours: its records come out of `records`.
    fn begin(&self, records: PartitionConsumer, start: Start);

    /// These partitions are being taken away (`lost`: already were). Finishes
    /// or abandons what is in hand, in bounded time, and answers what is done
    /// for a commit.
    fn revoked(&self, partitions: &[TopicPartition], lost: bool) -> Vec<Commit>;

    /// The pipeline is stopping: threads that serve it may end.
    fn stopping(&self) -> bool;

    /// What is done, for the commit that lag tools read.
    fn done(&self) -> Vec<Commit>;

    /// Called a few times a second, between the answers to [`Partitions::start`]:
    /// may block, and should not for long. Answers which partitions are to be
    /// reopened, their consumers dropped.
    fn look_after(&self, cluster: &Cluster) -> Vec<TopicPartition>;
}
