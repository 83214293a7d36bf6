//! A batch to store, and what is known after.

use super::Unavailable;
use super::ledger::{Identity, Ledger, LedgerKey};
use super::protocol::Exchange;
use super::unstored::Unstored;
use crate::record::StreamKind;
use std::collections::HashSet;

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
    pub suppressed: &'a [&'a [u8]],
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
