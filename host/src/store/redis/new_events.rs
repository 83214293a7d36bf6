//! Selects the events of an append that are not stored yet: those of a replayed
//! record may be stored already.

use super::answers::Done;
use crate::store::protocol::Executed;
use crate::store::{Append, StreamEvent, Unstored};
use std::collections::HashSet;

/// The new part of an append.
pub(super) struct NewEvents<'a> {
    /// The records that are replayed for the first time.
    pub replays: Vec<&'a str>,
    /// The new events, and the index of each in the append; `None` if all are
    /// new, as always without replays.
    some: Option<(Vec<StreamEvent<'a>>, Vec<usize>)>,
    /// The replays that are new, by the offset of their first copy here.
    firsts: HashSet<(&'a str, i64)>,
}

impl<'a> NewEvents<'a> {
    /// Excludes the replays with a score, which were stored before, and further
    /// copies of one record.
    pub fn of(append: &Append<'a>, scores: &[Option<f64>]) -> NewEvents<'a> {
        if scores.is_empty() {
            return NewEvents {
                replays: Vec::new(),
                some: None,
                firsts: HashSet::new(),
            };
        }
        let new = append.replays().into_iter().zip(scores);
        let new = new.filter(|(_, score)| score.is_none());
        let new: Vec<(&str, i64)> = new.map(|(replay, _)| replay).collect();
        let firsts: HashSet<(&str, i64)> = new.iter().copied().collect();
        let is_new = |(_, event): &(usize, &StreamEvent<'a>)| {
            let first = |replay| firsts.contains(&(replay, event.offset));
            event.replay.is_none_or(first)
        };
        let kept = append.events.iter().enumerate().filter(is_new);
        let some: (Vec<_>, Vec<_>) = kept.map(|(at, event)| (*event, at)).unzip();
        NewEvents {
            replays: new.into_iter().map(|(replay, _)| replay).collect(),
            some: (some.0.len() < append.events.len()).then_some(some),
            firsts,
        }
    }

    /// The part that an earlier try has left. Its marks may be set or not.
    pub fn rest(append: &Append<'a>, rest: &[usize]) -> NewEvents<'a> {
        let replays = append.replays();
        let events = rest.iter().map(|at| append.events[*at]).collect();
        NewEvents {
            replays: replays.iter().map(|(replay, _)| *replay).collect(),
            some: Some((events, rest.to_vec())),
            firsts: replays.into_iter().collect(),
        }
    }

    /// The indices of these events in the append.
    fn in_append(&self, events: &[usize]) -> Vec<usize> {
        let place = |event: &usize| {
            self.some
                .as_ref()
                .map_or(*event, |(_, places)| places[*event])
        };
        events.iter().map(place).collect()
    }

    /// The indices of all its events in the append, which has this many events.
    pub fn all_in_append(&self, events: usize) -> Vec<usize> {
        match &self.some {
            Some((_, places)) => places.clone(),
            None => (0..events).collect(),
        }
    }

    /// The result of its transaction, with indices of the append.
    pub fn executed(&self, done: &Done) -> Executed {
        let unstored = self.of_append(done.unstored.clone());
        match &done.trouble {
            None => Executed::Done(unstored),
            Some(_) => Executed::Torn {
                missing: self.in_append(&done.missing),
                unstored,
                moved: done.moved,
            },
        }
    }

    /// The events to store.
    pub fn events<'s>(&'s self, all: &'s [StreamEvent<'a>]) -> &'s [StreamEvent<'a>] {
        self.some.as_ref().map_or(all, |(events, _)| events)
    }

    /// The new reports about tasks, of events without a stream.
    pub fn reports(&self, all: &[StreamEvent<'a>]) -> Vec<StreamEvent<'a>> {
        let is_new = |event: &&StreamEvent<'a>| {
            let first = |replay| self.firsts.contains(&(replay, event.offset));
            event.replay.is_none_or(first)
        };
        all.iter().filter(is_new).copied().collect()
    }

    /// How many events are not new.
    pub fn skipped(&self, all: &[StreamEvent]) -> u64 {
        (all.len() - self.events(all).len()) as u64
    }

    /// The replays that are marked although nothing of them is stored, since
    /// their events were refused; indices are those of the append.
    pub fn in_vain(&self, all: &[StreamEvent<'a>], unstored: &Unstored) -> Vec<&'a str> {
        if unstored.refused.is_empty() {
            return Vec::new();
        }
        let of = |event: usize| all[event].replay;
        let refused: HashSet<&str> = { unstored.refused.iter() }
            .filter_map(|refusal| of(refusal.event))
            .collect();
        let out: HashSet<usize> = unstored.indices().collect();
        let stored = all.iter().enumerate().filter(|(at, _)| !out.contains(at));
        let stored = stored.map(|(_, event)| (event.replay.unwrap_or_default(), event.offset));
        let stored = stored.filter(|first| self.firsts.contains(first));
        let stored: HashSet<&str> = stored.map(|(replay, _)| replay).collect();
        refused.difference(&stored).copied().collect()
    }

    /// The events that are not stored, with indices of the append.
    fn of_append(&self, mut unstored: Unstored) -> Unstored {
        if let Some((_, places)) = &self.some {
            for refusal in &mut unstored.refused {
                refusal.event = places[refusal.event];
            }
            for event in &mut unstored.dropped {
                *event = places[*event];
            }
        }
        unstored
    }
}
