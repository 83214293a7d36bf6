//! The store in this process's memory: for trying things out and for tests.
//! It keeps the same contract as Redis, until the process ends.

mod replay;
mod tasks;

use super::{
    Append, Appended, Bell, Ledger, LedgerKey, Mark, Replay, Replayed, Retention, Unavailable,
    Unstored, Writer,
};
use crate::record::{AWAY, ClientId, Entry, Gap, Page, StreamId, StreamName, Want};
use bytes::Bytes;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::broadcast;

/// A store in memory. Clones share it.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    retention: Retention,
    state: Mutex<State>,
    /// Bounded: who falls behind is told [`Bell::Missed`].
    bell: broadcast::Sender<Bell>,
}

#[derive(Default)]
struct State {
    streams: HashMap<StreamName, Stream>,
    ledgers: HashMap<LedgerKey, Ledger>,
    interest: HashMap<ClientId, Instant>,
    /// Clients that got nothing since they are away.
    withheld: HashSet<ClientId>,
    revoked: HashMap<ClientId, u64>,
    /// Groups, and where records that were replayed were at first.
    replayed: HashSet<(Arc<str>, String)>,
    /// Groups, and what was sent to its topic again.
    resent: HashSet<(Arc<str>, String)>,
    tasks: tasks::Tasks,
    writes: u64,
}

#[derive(Default)]
struct Stream {
    entries: VecDeque<Entry>,
    last: StreamId,
    trimmed: bool,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(retention: Retention) -> MemoryStore {
        let (bell, _) = broadcast::channel(1024);
        MemoryStore {
            shared: Arc::new(Shared {
                retention,
                state: Mutex::default(),
                bell,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock half-way through a change.
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn writer(&self) -> MemoryWriter {
        MemoryWriter(self.clone())
    }

    pub(super) fn read(&self, wants: &[Want]) -> Vec<Page> {
        let state = self.state();
        wants
            .iter()
            .map(|want| page(state.streams.get(&want.stream), want))
            .collect()
    }

    pub(super) fn keep_interest(&self, clients: &[ClientId], lease: Duration) {
        let until = Instant::now() + lease;
        let mut state = self.state();
        state.interest.retain(|_, until| *until > Instant::now());
        for client in clients {
            // Another connection may hold a longer one.
            let held = state.interest.entry(client.clone()).or_insert(until);
            *held = until.max(*held);
        }
        let mut marked = Vec::new();
        for client in clients {
            if state.withheld.remove(client) {
                let stream = StreamName::Client(client.clone());
                let entries = state.streams.entry(stream.clone()).or_default();
                entries.push(AWAY.as_bytes(), b"", self.shared.retention);
                marked.push(stream);
            }
        }
        drop(state);
        self.ring(Bell::News(marked));
    }

    pub(super) fn revoke(&self, client: &ClientId, before: u64) {
        let mut state = self.state();
        let known = state.revoked.entry(client.clone()).or_default();
        *known = before.max(*known);
        drop(state);
        self.ring(Bell::Revoked);
    }

    pub(super) fn revoked(&self) -> Vec<(ClientId, u64)> {
        let revoked = &self.state().revoked;
        revoked
            .iter()
            .map(|(c, before)| (c.clone(), *before))
            .collect()
    }

    pub(super) fn empty_stream(&self, client: &ClientId) -> u64 {
        let name = StreamName::Client(client.clone());
        let mut state = self.state();
        let Some(stream) = state.streams.get_mut(&name) else {
            return 0;
        };
        stream.trimmed |= !stream.entries.is_empty();
        stream.entries.drain(..).count() as u64
    }

    pub(super) fn disconnect(&self, client: &ClientId) {
        self.ring(Bell::Disconnect(client.clone()));
    }

    /// Nobody listening is fine: who comes later begins with `Missed`.
    fn ring(&self, bell: Bell) {
        if bell != Bell::News(Vec::new()) {
            let _ = self.shared.bell.send(bell);
        }
    }

    pub(super) async fn listen(&self, hear: &(dyn Fn(Bell) + Send + Sync)) {
        let mut rings = self.shared.bell.subscribe();
        hear(Bell::Missed);
        loop {
            match rings.recv().await {
                Ok(bell) => hear(bell),
                Err(broadcast::error::RecvError::Lagged(_)) => hear(Bell::Missed),
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }
}

fn page(stream: Option<&Stream>, want: &Want) -> Page {
    let empty = Stream::default();
    let (exists, stream) = (stream.is_some(), stream.unwrap_or(&empty));
    let Some(after) = want.after else {
        return Page {
            last: stream.last,
            ..Page::default()
        };
    };
    let gap = want.check_gap.then(|| gap(exists, stream, after)).flatten();
    let from = if gap == Some(Gap::Rewound) {
        StreamId::default()
    } else {
        after
    };
    let entries = stream
        .entries
        .iter()
        .filter(|e| e.id > from)
        .take(want.limit);
    Page {
        entries: entries.cloned().collect(),
        last: stream.last,
        gap,
    }
}

fn gap(exists: bool, stream: &Stream, after: StreamId) -> Option<Gap> {
    let present = || {
        stream
            .entries
            .binary_search_by(|e| e.id.cmp(&after))
            .is_ok()
    };
    super::redis::gap_of(&super::redis::Seen {
        exists,
        last: stream.last,
        all_there: !stream.trimmed,
        cursor_there: present(),
        after,
    })
}

/// A memory store's writer.
pub struct MemoryWriter(MemoryStore);

impl Writer for MemoryWriter {
    fn ledger(&mut self, key: &LedgerKey) -> Result<Option<Ledger>, Unavailable> {
        Ok(self.0.state().ledgers.get(key).cloned())
    }

    fn begin(
        &mut self,
        key: &LedgerKey,
        stands: Option<i64>,
        anew: &Ledger,
    ) -> Result<Ledger, Unavailable> {
        let mut state = self.0.state();
        match state.ledgers.get(key) {
            Some(other) if Some(other.next) != stands => Ok(other.clone()),
            _ => {
                state.ledgers.insert(key.clone(), anew.clone());
                Ok(anew.clone())
            }
        }
    }

    fn append(&mut self, append: &mut Append, _following: Option<&LedgerKey>) -> Appended {
        let retention = self.0.shared.retention;
        let mut state = self.0.state();
        // Under the lock no answer is lost and nobody comes between.
        match state.ledgers.get_mut(append.ledger) {
            Some(ledger) if ledger.next == append.exchange.expected => {
                ledger.next = append.exchange.next;
                ledger.digests = append.digests.into();
                ledger.attempts = append.attempts;
            }
            other => return Appended::Moved(other.cloned()),
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
        let withheld = append.withheld.iter();
        let withheld = withheld.filter_map(|client| ClientId::new(client).ok());
        state.withheld.extend(withheld);
        state.forget_idle(retention);
        drop(state);
        self.0.ring(Bell::News(rung));
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

impl State {
    /// Idle streams are looked for now and then, so that ids that never come
    /// back don't stay.
    fn forget_idle(&mut self, retention: Retention) {
        self.writes += 1;
        if self.writes.is_multiple_of(4096) {
            let oldest = now_millis().saturating_sub(millis(retention.idle_expiry));
            self.streams
                .retain(|_, stream| stream.last.millis >= oldest);
        }
    }
}

impl Stream {
    fn push(&mut self, kind: &[u8], data: &[u8], retention: Retention) {
        let now = StreamId {
            millis: now_millis(),
            number: 0,
        };
        let next = StreamId {
            millis: self.last.millis,
            number: self.last.number + 1,
        };
        self.last = now.max(next);
        self.entries.push_back(Entry {
            id: self.last,
            kind: Bytes::copy_from_slice(kind),
            data: Bytes::copy_from_slice(data),
        });
        let oldest = now.millis.saturating_sub(millis(retention.max_age));
        while self.entries.len() as u64 > retention.max_events
            || self.entries.front().is_some_and(|e| e.id.millis < oldest)
        {
            self.entries.pop_front();
            self.trimmed = true;
        }
    }
}

pub(super) fn now_millis() -> u64 {
    millis(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
