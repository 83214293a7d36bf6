//! The store in this process's memory, for experiments and tests. It has the same
//! contract as Redis, until the process ends.

mod replay;
mod tasks;
mod values;
mod writer;

pub use writer::MemoryWriter;

use super::gap::{Cursor, Seen, gap_of};
use super::time::{millis, now_millis};
use super::{Ledger, LedgerKey, Retention};
use crate::record::{AWAY, ClientId, Entry, Gap, News, Page, StreamId, StreamName, Want};
use bytes::Bytes;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

/// A store in memory. Clones share it.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    retention: Retention,
    state: Mutex<State>,
    /// Bounded: a listener that falls behind gets [`News::Missed`].
    bell: broadcast::Sender<News>,
}

#[derive(Default)]
struct State {
    streams: HashMap<StreamName, Stream>,
    ledgers: HashMap<LedgerKey, Ledger>,
    /// The values of stateful transforms, by partition.
    values: HashMap<LedgerKey, values::Values>,
    interest: HashMap<ClientId, Instant>,
    /// Clients whose events were suppressed while they were away.
    suppressed: HashSet<ClientId>,
    revoked: HashMap<ClientId, u64>,
    /// By group, topic and topic ID: how many partitions the topic had at first.
    partitions: HashMap<[String; 3], i32>,
    /// Groups, and the original sources of replayed records.
    replayed: HashSet<(Arc<str>, String)>,
    /// Groups, and the letters whose records were sent to their topic again.
    resent: HashSet<(Arc<str>, String)>,
    tasks: tasks::Tasks,
    writes: u64,
}

#[derive(Default)]
struct Stream {
    entries: VecDeque<Entry>,
    last: StreamId,
    /// How many entries were ever added.
    added: u64,
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
        // No code panics while it holds the lock in the middle of a change.
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
            // Another connection may hold a longer lease.
            let held = state.interest.entry(client.clone()).or_insert(until);
            *held = until.max(*held);
        }
        let mut marked = Vec::new();
        for client in clients {
            if state.suppressed.remove(client) {
                let stream = StreamName::Client(client.clone());
                let entries = state.streams.entry(stream.clone()).or_default();
                entries.push(AWAY.as_bytes(), b"", self.shared.retention);
                marked.push(stream);
            }
        }
        drop(state);
        self.ring(News::Streams(marked));
    }

    pub(super) fn revoke(&self, client: &ClientId, before: u64, expired: Option<u64>) {
        let mut state = self.state();
        let lasts = |before: u64| expired.is_none_or(|expired| before > expired);
        state.revoked.retain(|_, before| lasts(*before));
        let known = state.revoked.entry(client.clone()).or_default();
        *known = before.max(*known);
        drop(state);
        self.ring(News::Revoked(Some((client.clone(), before))));
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
        stream.entries.drain(..).count() as u64
    }

    pub(super) fn disconnect(&self, client: &ClientId) {
        self.ring(News::Disconnect(client.clone()));
    }

    /// Having no listeners is fine: a later one starts with `Missed`.
    fn ring(&self, bell: News) {
        if bell != News::Streams(Vec::new()) {
            let _ = self.shared.bell.send(bell);
        }
    }

    pub(super) async fn listen(&self, hear: &(dyn Fn(News) + Send + Sync)) {
        let mut rings = self.shared.bell.subscribe();
        hear(News::Missed);
        loop {
            match rings.recv().await {
                Ok(bell) => hear(bell),
                Err(broadcast::error::RecvError::Lagged(_)) => hear(News::Missed),
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
            counted: Some(stream.added),
            ..Page::default()
        };
    };
    let cursor = Cursor {
        after,
        counted: want.counted,
        arrives: want.check_gap,
    };
    let judged = want.check_gap || want.counted.is_some();
    let gap = judged
        .then(|| gap_of(&seen(exists, stream), &cursor))
        .flatten();
    let from = if gap == Some(Gap::Rewound) {
        StreamId::default()
    } else {
        after
    };
    let mut rest = stream.entries.iter().filter(|e| e.id > from);
    let entries: Vec<Entry> = rest.by_ref().take(want.limit).cloned().collect();
    Page {
        entries,
        last: stream.last,
        gap,
        counted: Some(stream.added - rest.count() as u64),
    }
}

fn seen(exists: bool, stream: &Stream) -> Seen {
    Seen {
        exists,
        first: stream.entries.front().map(|entry| entry.id),
        last: stream.last,
        length: stream.entries.len() as u64,
        added: Some(stream.added),
    }
}

impl State {
    /// Removes idle streams from time to time, so that clients that never return
    /// don't use memory.
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
        self.added += 1;
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
        }
    }
}
