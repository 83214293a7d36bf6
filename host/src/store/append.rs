//! A batch to store, and the result.

use super::Unavailable;
use super::ledger::{Identity, Ledger, LedgerKey};
use super::protocol::Exchange;
use super::unstored::{Refusal, Unstored};
use crate::record::{StateValue, StreamKind};
use bytes::Bytes;
use std::collections::HashSet;

/// One event for one stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamEvent<'a> {
    /// Whether the stream belongs to a client or a group.
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
    /// The original source of its record, if it is a replay: the events of a
    /// replayed record are stored once per group, however often it is replayed.
    pub replay: Option<&'a str>,
    /// What it reports about a task: stored with the event. If the task has
    /// already ended, the event is not stored.
    pub task: Option<TaskReport<'a>>,
}

/// What an event reports about a task.
#[derive(Clone, Copy, Debug)]
pub struct TaskReport<'a> {
    /// The task's id.
    pub id: &'a [u8],
    /// The task's status; empty if the event has none.
    pub status: &'a [u8],
    /// Whether the task has ended.
    pub ends: bool,
}

/// A batch to store.
#[derive(Debug)]
pub struct Append<'a> {
    /// The ledger to move.
    pub ledger: &'a LedgerKey,
    /// The topic and cluster of the records: a ledger of another topic or cluster
    /// does not match.
    pub identity: &'a Identity,
    /// The ledger's expected position and its position afterwards, and what is
    /// known from all tries of this append.
    pub exchange: Exchange,
    /// The digests of the plugins that made the events; a change is added to the
    /// swap log, from the expected offset.
    pub digests: &'a str,
    /// How many times the record at the new `next` was tried.
    pub attempts: u32,
    /// The events, in order.
    pub events: &'a [StreamEvent<'a>],
    /// Clients, each once, that are away, so that events for connected clients
    /// are suppressed: they are notified when they return.
    pub suppressed: &'a [&'a [u8]],
    /// Events without a stream that report about a task.
    pub reports: &'a [StreamEvent<'a>],
    /// The partition's time at the new `next`.
    pub clock: i64,
    /// Whether values of this partition may exist: expired ones are removed.
    pub keeps_state: bool,
    /// New values of a stateful transform, each key once. They are stored exactly
    /// if the ledger moves.
    pub values: &'a [NewValue],
}

/// A new value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewValue {
    /// The key.
    pub key: Bytes,
    /// The value; `None` removes it.
    pub value: Option<StateValue>,
    /// The value before the append.
    pub before: Option<StateValue>,
}

/// Values that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadValues {
    /// The values, in the order of their keys.
    pub values: Vec<Option<StateValue>>,
    /// How many keys of the partition have a value, or had one that expired and is
    /// not removed yet.
    pub count: usize,
}

impl<'a> Append<'a> {
    /// The original records of the replays in this append, each once, with the
    /// offset of its first copy here: a batch may contain several copies, and
    /// only the events of the first are stored.
    pub fn replays(&self) -> Vec<(&'a str, i64)> {
        let mut seen = HashSet::new();
        let of = |event: &StreamEvent<'a>| Some((event.replay?, event.offset));
        let all = self.events.iter().chain(self.reports).filter_map(of);
        all.filter(|(replay, _)| seen.insert(*replay)).collect()
    }
}

/// The result of an append.
#[derive(Debug)]
pub enum Appended {
    /// Stored, except for these.
    Stored(Unstored),
    /// Nothing was stored: these events would be refused, and values must not be
    /// stored without the events of their records.
    Refused(Vec<Refusal>),
    /// Nothing was stored: the ledger has another position (or is gone).
    Moved(Option<Ledger>),
    /// The answer was lost: the append may be stored or not. The next try of the
    /// same append finds out.
    Unknown(Unavailable),
    /// Not stored, or only in part: the store does not answer, or has a problem
    /// of its own. The next try of the same append does the rest.
    Unavailable(Unavailable),
}
