//! Records that a command replays, independently of the ledgers: tracks which of
//! them a group has processed as replays, and stores the events of the others.
//!
//! A ledger orders one partition's records, but dead letters come from many
//! partitions, in any order, from several commands at once. So each record has
//! its own mark, which is set in the transaction that stores the record's events,
//! even if there are none. The marks are the same as for replays through a
//! pipeline's topics (`StreamEvent::replay`), so all ways to replay agree.

use super::StreamEvent;
use std::collections::BTreeSet;

/// The kinds of marks for a replayed record, by its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Its events were stored for the group.
    Stored,
    /// It was sent to its topic again.
    Sent,
}

/// Replayed records to store in one transaction.
#[derive(Debug)]
pub struct Replay<'a> {
    /// The group whose marks these are.
    pub group: &'a str,
    /// The original sources of the records, each once, including records without
    /// events.
    pub sources: Vec<&'a str>,
    /// Their events, in order; each one's `replay` is one of the sources.
    pub events: Vec<StreamEvent<'a>>,
    /// Events without a stream that report about a task; each one's `replay` is
    /// one of the sources.
    pub reports: Vec<StreamEvent<'a>>,
    /// Clients that are away, so that events of a source are suppressed; with the
    /// index of the source.
    pub suppressed: Vec<(usize, &'a [u8])>,
    /// Sources to store again although they are marked: the caller removes their
    /// marks before ([`super::Writer::unmark`]), and a dry run treats them as
    /// unmarked.
    pub forced: Vec<&'a str>,
    /// Indices of events that were not stored, or would not be, because their
    /// task had ended.
    pub dropped: BTreeSet<usize>,
    /// Tasks that earlier replays of the same dry run would have ended.
    pub ended: BTreeSet<Vec<u8>>,
    /// By the index of a source, its result in our try whose answer, or a later
    /// answer, was lost: the next look finds the mark of that try.
    pub(super) ours: Vec<Option<Replayed>>,
    /// Indices of sources that are marked although nothing of them is stored.
    pub(super) marked_in_vain: Vec<usize>,
    /// Indices of sources that are stored, but not marked.
    pub(super) unmarked: Vec<usize>,
}

impl<'a> Replay<'a> {
    /// An empty replay for this group.
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

    /// Records the results, certain or possible, of sources that were not stored
    /// before this try.
    pub(super) fn note_ours(&mut self, before: &[Replayed], told: &[Replayed]) {
        self.ours.resize(told.len(), None);
        for ((ours, before), told) in self.ours.iter_mut().zip(before).zip(told) {
            if *before == Replayed::Stored {
                *ours = Some(told.clone());
            }
        }
    }

    /// The results, with marks from our own tries replaced by the results of
    /// those tries.
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

    /// The tasks that its events report about, each once.
    pub(super) fn tasks(&self) -> Vec<&'a [u8]> {
        let tasks = { self.events.iter() }.filter_map(|event| Some(event.task?.id));
        tasks.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// For each event, the index of its source. Events of one record are
    /// adjacent, so most lookups end at the previous source.
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

/// The result of one record of a [`Replay`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// Its events are stored now, or would be.
    Stored,
    /// Its events were stored before.
    Before,
    /// The store refuses one of its events, so none is stored; with the store's
    /// error.
    Refused(String),
}
