//! The ledger: how far a group is in a partition, kept beside the events.

use crate::record::TopicPartition;
use std::sync::Arc;

/// Which ledger: one for each group and partition.
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

/// What a ledger says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// The offset of the next record to process: everything before it is done.
    pub next: i64,
    /// The topic's ID when it was first read, empty where Kafka gave none: a
    /// topic made anew under the same name has another.
    pub topic_id: String,
    /// The cluster's ID, likewise.
    pub cluster_id: String,
    /// The digests of the plugins that made the last events, as the swap log
    /// writes them.
    pub digests: String,
    /// How often the record at `next` was tried, where its policy retries.
    pub attempts: u32,
}

impl Ledger {
    /// Whose it is.
    pub fn identity(&self) -> Identity {
        Identity {
            topic_id: self.topic_id.clone(),
            cluster_id: self.cluster_id.clone(),
        }
    }

    /// Whether it may be this topic's, in this cluster: nothing that is known
    /// speaks against it.
    pub fn is_of(&self, identity: &Identity) -> bool {
        let same = |known: &str, now: &str| known.is_empty() || now.is_empty() || known == now;
        same(&self.topic_id, &identity.topic_id) && same(&self.cluster_id, &identity.cluster_id)
    }
}

/// Which topic it is, of which cluster: others may have its name. Each is empty
/// where Kafka gave none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The topic's ID: a topic made anew under the same name has another.
    pub topic_id: String,
    /// The cluster's ID.
    pub cluster_id: String,
}
