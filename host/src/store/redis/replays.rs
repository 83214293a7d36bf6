//! Replays: of an append's events those that were not stored before.

use super::answers::scores_of;
use super::writer::RedisWriter;
use crate::store::{Append, StreamEvent, Unavailable, Unstored};
use std::collections::HashSet;

/// What of an append is new.
pub(super) struct Fresh<'a> {
    /// The records that are replayed for the first time.
    pub replays: Vec<&'a str>,
    /// The other events, and where each stands in the append; `None` where all
    /// are new, as they are without replays.
    some: Option<(Vec<StreamEvent<'a>>, Vec<usize>)>,
    /// The replays that are new, by the offset of their first copy here.
    firsts: HashSet<(&'a str, i64)>,
}

impl RedisWriter {
    /// What of an append is new; its replays are watched from now on. The
    /// ledger's watch stands.
    pub(super) fn fresh<'a>(&mut self, append: &Append<'a>) -> Result<Fresh<'a>, Unavailable> {
        let replays = append.replays();
        if replays.is_empty() {
            return Ok(Fresh::all());
        }
        let key = self.keys.replayed(&append.ledger.group);
        let mut pipe = redis::pipe();
        pipe.cmd("WATCH").arg(&key);
        let names: Vec<&str> = replays.iter().map(|(name, _)| *name).collect();
        pipe.cmd("ZMSCORE").arg(&key).arg(names);
        let answers = self.send(&pipe)?;
        let scores = scores_of(&answers[1])?;
        Ok(Fresh::of(append, replays, &scores))
    }
}

impl<'a> Fresh<'a> {
    /// All of it, and none of it is a replay.
    pub fn all() -> Fresh<'a> {
        Fresh {
            replays: Vec::new(),
            some: None,
            firsts: HashSet::new(),
        }
    }

    /// All but the replays that have a score, which were stored before, and
    /// further copies of one record.
    pub fn of(
        append: &Append<'a>,
        replays: Vec<(&'a str, i64)>,
        scores: &[Option<f64>],
    ) -> Fresh<'a> {
        let new = replays.into_iter().zip(scores);
        let new = new.filter(|(_, score)| score.is_none());
        let new: Vec<(&str, i64)> = new.map(|(replay, _)| replay).collect();
        let firsts: HashSet<(&str, i64)> = new.iter().copied().collect();
        let is_new = |(_, event): &(usize, &StreamEvent<'a>)| {
            let first = |replay| firsts.contains(&(replay, event.offset));
            event.replay.is_none_or(first)
        };
        let kept = append.events.iter().enumerate().filter(is_new);
        let some: (Vec<_>, Vec<_>) = kept.map(|(at, event)| (*event, at)).unzip();
        Fresh {
            replays: new.into_iter().map(|(replay, _)| replay).collect(),
            some: (some.0.len() < append.events.len()).then_some(some),
            firsts,
        }
    }

    /// The events to store.
    pub fn events<'s>(&'s self, all: &'s [StreamEvent<'a>]) -> &'s [StreamEvent<'a>] {
        self.some.as_ref().map_or(all, |(events, _)| events)
    }

    /// What is to be noted of tasks, of events that go to no stream.
    pub fn reports(&self, all: &[StreamEvent<'a>]) -> Vec<StreamEvent<'a>> {
        let is_new = |event: &&StreamEvent<'a>| {
            let first = |replay| self.firsts.contains(&(replay, event.offset));
            event.replay.is_none_or(first)
        };
        all.iter().filter(is_new).copied().collect()
    }

    /// How many are not.
    pub fn skipped(&self, all: &[StreamEvent]) -> u64 {
        (all.len() - self.events(all).len()) as u64
    }

    /// The replays that are marked and of which nothing is stored, since events
    /// of them were refused. `unstored` is of [`Fresh::events`].
    pub fn in_vain(&self, all: &[StreamEvent<'a>], unstored: &Unstored) -> Vec<&'a str> {
        let events = self.events(all);
        let of = |event: usize| events[event].replay;
        let refused: HashSet<&str> = { unstored.refused.iter() }
            .filter_map(|refusal| of(refusal.event))
            .collect();
        let out: HashSet<usize> = unstored.indices().collect();
        let stored = (0..events.len()).filter(|event| !out.contains(event));
        let stored: HashSet<&str> = stored.filter_map(of).collect();
        refused.difference(&stored).copied().collect()
    }

    /// What is not stored, as the append counts.
    pub fn of_append(&self, mut unstored: Unstored) -> Unstored {
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
