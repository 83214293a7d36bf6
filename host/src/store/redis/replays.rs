//! Replays: of an append's events those that were not stored before.

use crate::store::{Append, Refusal, StreamEvent};
use std::collections::HashSet;

/// What of an append is new.
pub(super) struct Fresh<'a> {
    /// The records that are replayed for the first time.
    pub replays: Vec<&'a str>,
    /// The other events, and where each stands in the append; `None` where all
    /// are new, as they are without replays.
    some: Option<(Vec<StreamEvent<'a>>, Vec<usize>)>,
    /// The records that were replayed before.
    old: HashSet<&'a str>,
}

impl<'a> Fresh<'a> {
    /// All of it, and none of it is a replay.
    pub fn all() -> Fresh<'a> {
        Fresh {
            replays: Vec::new(),
            some: None,
            old: HashSet::new(),
        }
    }

    /// All but the replays that have a score: those were stored before.
    pub fn of(append: &Append<'a>, replays: Vec<&'a str>, scores: &[Option<f64>]) -> Fresh<'a> {
        let (old, new): (Vec<_>, Vec<_>) =
            { replays.into_iter().zip(scores) }.partition(|(_, score)| score.is_some());
        let replays = new.into_iter().map(|(replay, _)| replay).collect();
        let old: HashSet<&str> = old.into_iter().map(|(replay, _)| replay).collect();
        let is_new = |(_, event): &(usize, &StreamEvent)| {
            event.replay.is_none_or(|replay| !old.contains(replay))
        };
        let kept = append.events.iter().enumerate().filter(is_new);
        let some = (!old.is_empty()).then(|| kept.map(|(at, event)| (*event, at)).unzip());
        Fresh { replays, some, old }
    }

    /// The events to store.
    pub fn events<'s>(&'s self, all: &'s [StreamEvent<'a>]) -> &'s [StreamEvent<'a>] {
        self.some.as_ref().map_or(all, |(events, _)| events)
    }

    /// What is to be noted of tasks, of events that go to no stream.
    pub fn reports(&self, all: &[StreamEvent<'a>]) -> Vec<StreamEvent<'a>> {
        let is_new = |event: &&StreamEvent| event.replay.is_none_or(|r| !self.old.contains(r));
        all.iter().filter(is_new).copied().collect()
    }

    /// How many are not.
    pub fn skipped(&self, all: &[StreamEvent]) -> u64 {
        (all.len() - self.events(all).len()) as u64
    }

    /// Refusals of the events that were to be stored, as the append counts.
    pub fn of_append(&self, mut refusals: Vec<Refusal>) -> Vec<Refusal> {
        if let Some((_, places)) = &self.some {
            for refusal in &mut refusals {
                refusal.event = places[refusal.event];
            }
        }
        refusals
    }
}
