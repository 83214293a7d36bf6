//! The ledger: a group's progress in a partition, stored with the events.

use crate::record::{NO_TIME, TopicPartition};
use std::sync::Arc;

/// The key of a ledger: one for each group and partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LedgerKey {
    /// The consumer group.
    pub group: Arc<str>,
    /// The partition.
    pub partition: TopicPartition,
}

impl LedgerKey {
    /// The ledger of this group and partition.
    pub fn new(group: &str, partition: TopicPartition) -> LedgerKey {
        LedgerKey {
            group: group.into(),
            partition,
        }
    }
}

/// The content of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// The offset of the next record to process: everything before it is done.
    pub next: i64,
    /// The topic's ID when it was first read, empty if Kafka has none: a topic
    /// that is recreated under the same name has another ID.
    pub topic_id: String,
    /// The cluster's ID at that time, empty if Kafka has none.
    pub cluster_id: String,
    /// The digests of the plugins that made the last events, as the swap log
    /// writes them.
    pub digests: String,
    /// How many times the record at `next` was tried, if its policy retries.
    pub attempts: u32,
    /// The partition's time at `next`: the largest timestamp of the records
    /// before it, in milliseconds since 1970-01-01 UTC, or [`NO_TIME`].
    pub clock: i64,
}

impl Default for Ledger {
    fn default() -> Ledger {
        Ledger {
            next: 0,
            topic_id: String::new(),
            cluster_id: String::new(),
            digests: String::new(),
            attempts: 0,
            clock: NO_TIME,
        }
    }
}

impl Ledger {
    /// The topic and cluster that it belongs to.
    pub fn identity(&self) -> Identity {
        Identity {
            topic_id: self.topic_id.clone(),
            cluster_id: self.cluster_id.clone(),
        }
    }

    /// Whether it may belong to this topic in this cluster: no known ID
    /// contradicts it.
    pub fn is_of(&self, identity: &Identity) -> bool {
        let same = |known: &str, now: &str| known.is_empty() || now.is_empty() || known == now;
        same(&self.topic_id, &identity.topic_id) && same(&self.cluster_id, &identity.cluster_id)
    }
}

/// Identifies a topic and its cluster, since others may have the same name. Each
/// ID is empty if Kafka has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The topic's ID: a topic that is recreated under the same name has another.
    pub topic_id: String,
    /// The cluster's ID.
    pub cluster_id: String,
}
