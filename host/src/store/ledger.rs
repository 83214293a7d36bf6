//! The ledger: how far a group is in a partition, kept beside the events.

use super::Unavailable;
use super::protocol::Exchange;
use crate::record::{StreamKind, TopicPartition};
use std::collections::HashSet;
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

/// One event for one stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamEvent<'a> {
    /// Whose stream.
    pub to: StreamKind,
    /// The client's id or the group's name, checked.
    pub name: &'a [u8],
    /// The event's type.
    pub kind: &'a [u8],
    /// The payload.
    pub data: &'a [u8],
    /// Its record's offset.
    pub offset: i64,
    /// Its number among its record's events.
    pub n: u32,
    /// Where its record was at first, if it is a replay: the group's events of
    /// a replayed record are stored once, however often it is replayed.
    pub replay: Option<&'a str>,
    /// What it says of a task: noted with the event, and the event is not
    /// stored if the task has ended before.
    pub task: Option<TaskReport<'a>>,
}

/// What an event says of a task.
#[derive(Clone, Copy, Debug)]
pub struct TaskReport<'a> {
    /// The task's id.
    pub id: &'a [u8],
    /// How it stands; empty where the event does not say.
    pub status: &'a [u8],
    /// Whether that is its end.
    pub ends: bool,
}

/// A batch to store.
#[derive(Debug)]
pub struct Append<'a> {
    /// Whose ledger it moves.
    pub ledger: &'a LedgerKey,
    /// Whose records these are: a ledger of another topic or cluster is not
    /// theirs.
    pub identity: &'a Identity,
    /// Where the ledger must stand and where it stands after; over all tries
    /// of this append, what is known of them.
    pub exchange: Exchange,
    /// The plugins that made the events; a change of it is noted in the swap
    /// log, from the expected offset on.
    pub digests: &'a str,
    /// How often the record at the new `next` was tried.
    pub attempts: u32,
    /// The events, in order.
    pub events: &'a [StreamEvent<'a>],
    /// Clients, each once, that are away and get nothing of what they would
    /// get if they were connected: they are told when they come back.
    pub withheld: &'a [&'a [u8]],
    /// Events that go to no stream, and say something of a task.
    pub reports: &'a [StreamEvent<'a>],
}

impl<'a> Append<'a> {
    /// The records that its events are replays of, each once, and of each the
    /// offset of its first copy here: a batch may hold several, and only the
    /// first one's events are stored.
    pub fn replays(&self) -> Vec<(&'a str, i64)> {
        let mut seen = HashSet::new();
        let of = |event: &StreamEvent<'a>| Some((event.replay?, event.offset));
        let all = self.events.iter().chain(self.reports).filter_map(of);
        all.filter(|(replay, _)| seen.insert(*replay)).collect()
    }
}

/// An event that the store would not take: the rest of its batch is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// Its index in [`Append::events`].
    pub event: usize,
    /// What the store said.
    pub message: String,
}

/// What of an append is not in the store, where the rest of it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unstored {
    /// The events that the store would not take.
    pub refused: Vec<Refusal>,
    /// Indices in [`Append::events`] of those whose task had ended.
    pub dropped: Vec<usize>,
}

impl Unstored {
    /// The indices of all of them.
    pub fn indices(&self) -> impl Iterator<Item = usize> {
        let refused = self.refused.iter().map(|refusal| refusal.event);
        refused.chain(self.dropped.iter().copied())
    }
}

/// What is known after an append.
#[derive(Debug)]
pub enum Appended {
    /// Stored, except for these.
    Stored(Unstored),
    /// Nothing was stored: the ledger stands elsewhere (or is gone).
    Moved(Option<Ledger>),
    /// The answer was lost: it may be stored or not. The next try of the same
    /// append finds out.
    Unknown(Unavailable),
    /// It is not stored, or not all of it: the store does not answer, or has
    /// trouble. The next try of the same append does the rest.
    Unavailable(Unavailable),
}
