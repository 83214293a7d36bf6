//! Records that are replayed by a command, beside the ledgers: which of them a
//! group was given before, and storing the events of those it was not.
//!
//! A ledger orders one partition's records, and letters come from many, in any
//! order, from several commands at once. So here each record carries its own
//! mark: it is set in the transaction that stores the record's events, or
//! stores that there are none. The marks are those that replays in a pipeline's
//! own topics have (`StreamEvent::replay`), so all ways to replay agree.

use super::StreamEvent;
use std::collections::BTreeSet;

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
    pub suppressed: Vec<(usize, &'a [u8])>,
    /// Sources that are stored again though they are marked: whoever does it
    /// takes their marks away before ([`super::Writer::unmark`]), and what would
    /// be is told as if they had none.
    pub forced: Vec<&'a str>,
    /// Indices of events that were not stored, or would not be: their task had
    /// ended.
    pub dropped: BTreeSet<usize>,
    /// Tasks that what was told before this would have ended: a dry run of
    /// several goes on where the last one was.
    pub ended: BTreeSet<Vec<u8>>,
    /// By the index of a source, what became of it in a try whose answer, or
    /// the answer after it, was lost: that is what its mark says at the next
    /// look.
    pub(super) ours: Vec<Option<Replayed>>,
    /// Indices of sources that are marked, and of which nothing is stored.
    pub(super) marked_in_vain: Vec<usize>,
    /// Indices of sources that are stored, and not marked.
    pub(super) unmarked: Vec<usize>,
}

impl<'a> Replay<'a> {
    /// Nothing yet, for this group.
    pub fn new(group: &'a str) -> Replay<'a> {
        Replay {
            group,
            sources: Vec::new(),
            events: Vec::new(),
            reports: Vec::new(),
            suppressed: Vec::new(),
            forced: Vec::new(),
            dropped: BTreeSet::new(),
            ended: BTreeSet::new(),
            ours: Vec::new(),
            marked_in_vain: Vec::new(),
            unmarked: Vec::new(),
        }
    }

    pub(super) fn is_forced(&self, source: &str) -> bool {
        self.forced.contains(&source)
    }

    /// Notes what became, or may have become, of those that were not stored
    /// before this try.
    pub(super) fn note_ours(&mut self, before: &[Replayed], told: &[Replayed]) {
        self.ours.resize(told.len(), None);
        for ((ours, before), told) in self.ours.iter_mut().zip(before).zip(told) {
            if *before == Replayed::Stored {
                *ours = Some(told.clone());
            }
        }
    }

    /// What was told, where what a try of ours marked is ours.
    pub(super) fn with_ours(&self, mut told: Vec<Replayed>) -> Vec<Replayed> {
        for (told, ours) in told.iter_mut().zip(&self.ours) {
            if let (Replayed::Before, Some(ours)) = (&told, ours) {
                *told = ours.clone();
            }
        }
        told
    }

    /// The index of an event's source.
    pub(super) fn source_of(&self, event: &StreamEvent) -> Option<usize> {
        let replay = event.replay?;
        self.sources.iter().position(|source| *source == replay)
    }

    /// The tasks that its events say something of, each once.
    pub(super) fn tasks(&self) -> Vec<&'a [u8]> {
        let tasks = { self.events.iter() }.filter_map(|event| Some(event.task?.id));
        tasks.collect::<BTreeSet<_>>().into_iter().collect()
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
