//! Replayed records, in memory.

use super::{MemoryStore, State};
use crate::record::{ClientId, News, StreamName};
use crate::store::{Mark, Replay, Replayed, Retention};
use std::collections::HashSet;
use std::sync::Arc;

impl State {
    fn marks(&mut self, mark: Mark) -> &mut HashSet<(Arc<str>, String)> {
        match mark {
            Mark::Stored => &mut self.replayed,
            Mark::Sent => &mut self.resent,
        }
    }
}

impl MemoryStore {
    pub(super) fn marked(&self, group: &str, mark: Mark, names: &[&str]) -> Vec<bool> {
        let mut state = self.state();
        let marks = state.marks(mark);
        let is = |name: &&str| marks.contains(&(group.into(), (*name).into()));
        names.iter().map(is).collect()
    }

    pub(super) fn mark_sent(&self, group: &str, names: &[&str]) {
        let mut state = self.state();
        let marks = names.iter().map(|name| (group.into(), (*name).into()));
        state.marks(Mark::Sent).extend(marks);
    }

    pub(super) fn unmark(&self, group: &str, sources: &[&str]) {
        let marks = &mut self.state().replayed;
        for source in sources {
            marks.remove(&(group.into(), (*source).into()));
        }
    }

    pub(super) fn replay(&self, replay: &mut Replay, write: bool) -> Vec<Replayed> {
        // One lock covers the look and the marks.
        let mut state = self.state();
        let mark = |source: &&str| (replay.group.into(), (*source).into());
        let known =
            |source| state.replayed.contains(&mark(source)) && (write || !replay.is_forced(source));
        let before: Vec<bool> = replay.sources.iter().map(known).collect();
        if write {
            let rung = state.store_new(replay, &before, self.shared.retention);
            state.replayed.extend(replay.sources.iter().map(mark));
            drop(state);
            self.ring(News::Streams(rung));
        }
        let told = |before| match before {
            true => Replayed::Before,
            false => Replayed::Stored,
        };
        before.into_iter().map(told).collect()
    }
}

impl State {
    /// Stores the new events; returns the streams that have news.
    fn store_new(
        &mut self,
        replay: &mut Replay,
        before: &[bool],
        retention: Retention,
    ) -> Vec<StreamName> {
        let mut rung = Vec::new();
        let places = replay.places();
        for (n, (event, place)) in replay.events.iter().zip(places).enumerate() {
            let Ok(stream) = StreamName::new(event.to, event.name) else {
                continue;
            };
            if place.is_none_or(|at| before[at]) {
                continue;
            }
            if self.tasks.report(event) {
                let entries = self.streams.entry(stream.clone()).or_default();
                entries.push(event.kind, event.data, retention);
                rung.push(stream);
            } else {
                replay.dropped.insert(n);
            }
        }
        for event in &replay.reports {
            if replay.source_of(event).is_some_and(|at| !before[at]) {
                self.tasks.report(event);
            }
        }
        let suppressed = replay.suppressed.iter().filter(|(at, _)| !before[*at]);
        let clients = suppressed.filter_map(|(_, client)| ClientId::new(client).ok());
        self.suppressed.extend(clients);
        rung.sort_unstable();
        rung.dedup();
        rung
    }
}
