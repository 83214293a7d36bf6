//! Records that are replayed by a command, beside the ledgers: which of them a
//! group was given before, and storing the events of those it was not.
//!
//! A ledger orders one partition's records, and letters come from many, in any
//! order, from several commands at once. So here each record carries its own
//! mark: it is set in the transaction that stores the record's events, or
//! stores that there are none. The marks are those that replays in a pipeline's
//! own topics have (`StreamEvent::replay`), so all ways to replay agree.

use super::StreamEvent;

/// What is kept of a record that is replayed, by its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The group was given its events.
    Stored,
    /// It was sent to its topic again.
    Sent,
}

/// Replayed records to store, as one.
#[derive(Debug)]
pub struct Replay<'a> {
    /// The group whose marks these are.
    pub group: &'a str,
    /// Where the records were at first, each once; also of those without events.
    pub sources: Vec<&'a str>,
    /// Their events, in order; each one's `replay` is one of the sources.
    pub events: Vec<StreamEvent<'a>>,
    /// Events that go to no stream, and say something of a task, likewise.
    pub reports: Vec<StreamEvent<'a>>,
    /// By the index of a source, clients that are away and get nothing of it.
    pub withheld: Vec<(usize, &'a [u8])>,
    /// Of a try whose answer was lost: which sources it would have stored. What
    /// of them is marked at the next look counts as ours.
    pub(super) doubt: Vec<bool>,
}

impl<'a> Replay<'a> {
    /// Nothing yet, for this group.
    pub fn new(group: &'a str) -> Replay<'a> {
        Replay {
            group,
            sources: Vec::new(),
            events: Vec::new(),
            reports: Vec::new(),
            withheld: Vec::new(),
            doubt: Vec::new(),
        }
    }

    /// The index of an event's source.
    pub(super) fn source_of(&self, event: &StreamEvent) -> Option<usize> {
        let replay = event.replay?;
        self.sources.iter().position(|source| *source == replay)
    }

    /// For each event the index of its source. Events of one record stand
    /// together, so most look no further than the one before.
    pub(super) fn places(&self) -> Vec<Option<usize>> {
        let mut last: Option<usize> = None;
        let place = |event: &StreamEvent| {
            let same = last.filter(|at| Some(self.sources[*at]) == event.replay);
            last = same.or_else(|| self.source_of(event));
            last
        };
        self.events.iter().map(place).collect()
    }
}

/// What became of one record of a [`Replay`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// Its events are stored now, or would be.
    Stored,
    /// They were before.
    Before,
    /// The store does not take one of its events, so none is stored; this is
    /// what it said.
    Refused(String),
}
