//! A worker's access to the memory store.

use super::MemoryStore;
use crate::record::{ClientId, News, StreamName};
use crate::store::{
    Append, Appended, Ledger, LedgerKey, Mark, ReadValues, Replay, Replayed, Unavailable, Unstored,
    Writer,
};
use bytes::Bytes;
use std::collections::HashSet;
use std::time::Instant;

/// A memory store's writer.
pub struct MemoryWriter(pub(super) MemoryStore);

impl Writer for MemoryWriter {
    fn ledger(&mut self, key: &LedgerKey) -> Result<Option<Ledger>, Unavailable> {
        Ok(self.0.state().ledgers.get(key).cloned())
    }

    fn values(&mut self, key: &LedgerKey, keys: &[Bytes]) -> Result<ReadValues, Unavailable> {
        let state = self.0.state();
        let read = state.values.get(key).map(|values| values.read(keys));
        Ok(read.unwrap_or_else(|| ReadValues {
            values: vec![None; keys.len()],
            count: 0,
        }))
    }

    fn begin(
        &mut self,
        key: &LedgerKey,
        stands: Option<i64>,
        anew: &Ledger,
        forget: bool,
    ) -> Result<Ledger, Unavailable> {
        let mut state = self.0.state();
        match state.ledgers.get(key) {
            Some(other) if Some(other.next) != stands => Ok(other.clone()),
            _ => {
                if forget {
                    state.values.remove(key);
                }
                state.ledgers.insert(key.clone(), anew.clone());
                Ok(anew.clone())
            }
        }
    }

    fn partitions_at_first(
        &mut self,
        group: &str,
        topic: &str,
        topic_id: &str,
        partitions: i32,
    ) -> Result<i32, Unavailable> {
        let key = [group, topic, topic_id].map(Into::into);
        Ok(*self.0.state().partitions.entry(key).or_insert(partitions))
    }

    fn append(&mut self, append: &mut Append, _following: Option<&LedgerKey>) -> Appended {
        let retention = self.0.shared.retention;
        let mut state = self.0.state();
        // Under the lock no answer is lost, and no other writer interferes.
        match state.ledgers.get_mut(append.ledger) {
            Some(ledger)
                if ledger.next == append.exchange.expected && ledger.is_of(append.identity) =>
            {
                ledger.next = append.exchange.next;
                ledger.digests = append.digests.into();
                ledger.attempts = append.attempts;
                ledger.clock = append.clock;
            }
            other => return Appended::Moved(other.cloned()),
        }
        if append.keeps_state {
            let values = state.values.entry(append.ledger.clone()).or_default();
            values.write(append);
        }
        let mut rung = Vec::new();
        let group = &append.ledger.group;
        let mut fresh = append.replays();
        fresh.retain(|(replay, _)| state.replayed.insert((group.clone(), (*replay).into())));
        let fresh: HashSet<(&str, i64)> = fresh.into_iter().collect();
        let mut dropped = Vec::new();
        for (at, event) in append.events.iter().enumerate() {
            let is_new = |replay| fresh.contains(&(replay, event.offset));
            if event.replay.is_some_and(|replay| !is_new(replay)) {
                continue;
            }
            let Ok(stream) = StreamName::new(event.to, event.name) else {
                continue;
            };
            if !state.tasks.report(event) {
                dropped.push(at);
                continue;
            }
            state
                .streams
                .entry(stream.clone())
                .or_default()
                .push(event.kind, event.data, retention);
            rung.push(stream);
        }
        for event in append.reports {
            let is_new = |replay| fresh.contains(&(replay, event.offset));
            if event.replay.is_none_or(is_new) {
                state.tasks.report(event);
            }
        }
        rung.sort_unstable();
        rung.dedup();
        let suppressed = append.suppressed.iter();
        let suppressed = suppressed.filter_map(|client| ClientId::new(client).ok());
        state.suppressed.extend(suppressed);
        state.forget_idle(retention);
        drop(state);
        self.0.ring(News::Streams(rung));
        Appended::Stored(Unstored {
            refused: Vec::new(),
            dropped,
        })
    }

    fn owners(&mut self, tasks: &[&str]) -> Result<Vec<Option<ClientId>>, Unavailable> {
        let state = self.0.state();
        Ok(tasks.iter().map(|id| state.tasks.owner(id)).collect())
    }

    fn connected(&mut self, clients: &[&str]) -> Result<Vec<bool>, Unavailable> {
        let state = self.0.state();
        let now = Instant::now();
        let live = |client: &&str| {
            state
                .interest
                .get(*client)
                .is_some_and(|until| *until > now)
        };
        Ok(clients.iter().map(live).collect())
    }

    fn marked(
        &mut self,
        group: &str,
        mark: Mark,
        names: &[&str],
    ) -> Result<Vec<bool>, Unavailable> {
        Ok(self.0.marked(group, mark, names))
    }

    fn mark_sent(&mut self, group: &str, names: &[&str]) -> Result<(), Unavailable> {
        self.0.mark_sent(group, names);
        Ok(())
    }

    fn unmark(&mut self, group: &str, sources: &[&str]) -> Result<(), Unavailable> {
        self.0.unmark(group, sources);
        Ok(())
    }

    fn replay(&mut self, replay: &mut Replay, write: bool) -> Result<Vec<Replayed>, Unavailable> {
        Ok(self.0.replay(replay, write))
    }
}
