//! The hub: all connections, and the feeds that may have news.

use super::connection::Connection;
use super::feed::{Feed, Follower};
use super::limits::{Limits, SseSettings, origin_of};
use super::place::{Follow, Reader};
use super::registry::{Registry, Shed, follows};
use super::request::StreamRequest;
use super::send_buffer::SendBuffer;
use super::wheel::Wheel;
use super::{Streams, presence};
use crate::process::Pulse;
use crate::record::{ClientId, StreamName};
use metrics::{Counter, counter};
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// After this time in one step `/readyz` reports it: longer than the store's
/// time-outs.
const STUCK: Duration = Duration::from_secs(20);

/// Everything that is connected to this process.
pub struct Hub {
    pub(super) streams: Arc<dyn Streams>,
    pub(super) limits: Arc<Limits>,
    pub(super) wheel: Wheel,
    clients: Mutex<Registry>,
    pub(super) news: Notify,
    /// Notified when the store may have lost the presence leases.
    pub(super) forgotten: Notify,
    /// Revocations must be read before anything else.
    pub(super) stale: AtomicBool,
    pub(super) revocations: Mutex<HashMap<ClientId, u64>>,
    /// Why streams can't be read now, if so.
    trouble: Mutex<Option<String>>,
    presence: Option<presence::Sender>,
    /// The thread of everything that asks the store.
    store: Handle,
    /// Counts the events that were handed over.
    pub(super) sent: Counter,
    /// How many connections were opened or closed lately.
    pub(super) changes: AtomicUsize,
    /// The progress of the reader, and of the timer.
    pub(super) reads: Pulse,
    pub(super) ticks: Pulse,
}

impl Hub {
    /// A hub without connections. `store` is the thread of everything that asks
    /// the store.
    pub(super) fn new(
        streams: Arc<dyn Streams>,
        settings: SseSettings,
        presence: Option<presence::Sender>,
        store: Handle,
    ) -> Hub {
        let limits = Arc::new(Limits::new(settings));
        Hub {
            streams,
            wheel: Wheel::new(&limits.settings),
            limits,
            clients: Mutex::default(),
            news: Notify::new(),
            forgotten: Notify::new(),
            stale: AtomicBool::new(true),
            revocations: Mutex::default(),
            trouble: Mutex::default(),
            presence,
            store,
            sent: counter!("millstream_sse_events_total"),
            changes: AtomicUsize::new(0),
            reads: Pulse::default(),
            ticks: Pulse::default(),
        }
    }

    /// The thread of everything that asks the store, over one connection, and of the
    /// reader.
    pub fn store(&self) -> &Handle {
        &self.store
    }

    /// Asks the store on its thread.
    pub(super) fn ask<T, F, A>(
        &self,
        ask: A,
    ) -> impl Future<Output = Result<T, String>> + use<T, F, A>
    where
        T: Send + 'static,
        A: FnOnce(Arc<dyn Streams>) -> F,
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        let asking = self.store.spawn(ask(self.streams.clone()));
        async { asking.await.unwrap_or_else(|error| Err(error.to_string())) }
    }

    pub(super) fn clients(&self) -> MutexGuard<'_, Registry> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a stream for a reader that is authorized.
    pub(super) fn open(
        self: &Arc<Hub>,
        asked: StreamRequest,
        reader: Reader,
        chunked: bool,
    ) -> Result<Arc<Connection>, Shed> {
        let origin = origin_of(reader.address);
        let client = reader.client.clone();
        let mut clients = self.clients();
        clients.admit(&self.limits.settings, &client, origin)?;
        let own = StreamName::Client(client.clone());
        let is_new = !clients.feeds.contains_key(&own);
        let follows = follows(&mut clients, own, asked.groups, &asked.begin);
        let how = (chunked, self.retry_ms(1) as u32);
        let limits = self.limits.clone();
        let connection = Connection::new(reader, follows, asked.types, limits, how);
        let connection = Arc::new(connection);
        for (follow, Follow { feed, .. }) in connection.follows.iter().enumerate() {
            let follow = follow as u16;
            let connection = connection.clone();
            feed.add(Follower { connection, follow });
            clients.turn(feed);
        }
        if is_new {
            clients.new.insert(client.clone());
        }
        clients.enter(origin);
        // Sent under the lock, so that a connect precedes its disconnect.
        if is_new && let Some(presence) = &self.presence {
            presence.connected(&client);
        }
        drop(clients);
        self.changes.fetch_add(1, Ordering::Relaxed);
        self.wheel.add(&connection);
        self.news.notify_one();
        Ok(connection)
    }

    pub(super) fn close(&self, connection: &Arc<Connection>) {
        let mut clients = self.clients();
        let mut is_last = false;
        for (follow, Follow { feed, .. }) in connection.follows.iter().enumerate() {
            if feed.remove(connection) {
                clients.feeds.remove(&feed.name);
                is_last |= follow == 0;
            }
        }
        clients.forget_turns();
        clients.leave(origin_of(connection.reader.address));
        if is_last {
            clients.new.remove(&connection.reader.client);
            if let Some(presence) = &self.presence {
                presence.disconnected(&connection.reader.client);
            }
        }
        drop(clients);
        self.changes.fetch_add(1, Ordering::Relaxed);
        // The socket is closed even if the connection is still referenced.
        connection.out(SendBuffer::close);
    }

    /// Notes that streams may have news.
    pub(super) fn ring(&self, streams: &[StreamName]) {
        let mut clients = self.clients();
        for stream in streams {
            if let Some(feed) = clients.feeds.get(stream).cloned() {
                clients.turn(&feed);
            }
        }
        if !clients.turns.is_empty() {
            self.news.notify_one();
        }
    }

    /// Notes that a feed must be read again.
    pub(super) fn read_again(&self, feed: &Arc<Feed>) {
        self.clients().turn(feed);
        self.news.notify_one();
    }

    pub(super) fn ring_all_of(&self, connection: &Connection) {
        let mut clients = self.clients();
        let follows = connection.follows.iter();
        follows.for_each(|follow| clients.turn(&follow.feed));
        self.news.notify_one();
    }

    /// News may have been missed: reads every feed and checks for gaps.
    pub(super) fn missed(&self) {
        let mut clients = self.clients();
        let feeds: Vec<_> = clients.feeds.values().cloned().collect();
        for feed in feeds {
            let followers = feed.followers();
            followers
                .iter()
                .for_each(|f| f.connection.mark_unverified());
            clients.turn(&feed);
        }
        drop(clients);
        self.stale.store(true, Ordering::Release);
        self.news.notify_one();
        self.forgotten.notify_one();
    }

    /// Takes up to `most` feeds that may have news.
    pub(super) fn take_dirty(&self, most: usize) -> Vec<Arc<Feed>> {
        let mut clients = self.clients();
        let taken = clients.take_turns(most);
        if !clients.turns.is_empty() {
            self.news.notify_one();
        }
        taken
    }

    pub(super) fn trouble(&self, now: Option<String>) {
        let mut noted = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*noted, &now) {
            (None, Some(error)) => tracing::warn!(error, "can't read streams from Redis; retrying"),
            (Some(_), None) => tracing::info!("reading streams from Redis again"),
            _ => {}
        }
        *noted = now;
    }

    /// Every connection, once.
    pub(super) fn everyone(&self) -> Vec<Arc<Connection>> {
        let clients = self.clients();
        let own = |feed: &&Arc<Feed>| matches!(feed.name, StreamName::Client(_));
        let followers = clients.feeds.values().filter(own).map(|f| f.followers());
        followers.flatten().map(|f| f.connection).collect()
    }

    pub(super) fn of(&self, client: &ClientId) -> Vec<Arc<Connection>> {
        let name = StreamName::Client(client.clone());
        let feed = self.clients().feeds.get(&name).cloned();
        let followers = feed.map(|feed| feed.followers()).unwrap_or_default();
        followers.into_iter().map(|f| f.connection).collect()
    }

    pub(super) fn end_all_of(&self, client: &ClientId) {
        for connection in self.of(client) {
            connection.end(self.retry_ms(1));
        }
    }

    /// Ends every stream, and refuses new ones. Clients reconnect at different
    /// times.
    pub fn close_all(&self) {
        self.clients().closed = true;
        let window = self.limits.settings.drain.as_millis() as u64;
        for connection in self.everyone() {
            connection.end(self.retry_ms(1) / 2 + random_below(window));
        }
    }

    /// A random wait from half to one and a half times `retry` × `times`, so
    /// that clients do not reconnect at once.
    pub(super) fn retry_ms(&self, times: u64) -> u64 {
        let ms = self.limits.settings.retry.as_millis() as u64 * times;
        ms / 2 + random_below(ms)
    }

    /// Which loop gave no sign of life for so long.
    pub fn silent(&self, most: Duration) -> Option<String> {
        let seconds = self.ticks.silent_for(most)?.as_secs();
        Some(format!(
            "the timer of the streams has not advanced for {seconds} s"
        ))
    }

    /// Why streams can't be read now; `None` if they can.
    pub fn not_ready(&self) -> Option<String> {
        let stuck = |(pulse, what): (&Pulse, &str)| {
            let seconds = pulse.stuck_for(STUCK)?.as_secs();
            Some(format!("{what} for {seconds} s"))
        };
        let turns = [
            (&self.reads, "a read of the streams has not finished"),
            (&self.ticks, "the timer of the streams has not advanced"),
        ];
        if let Some(stuck) = turns.into_iter().find_map(stuck) {
            return Some(stuck);
        }
        if self.clients().open == 0 {
            // Without readers nothing would report the recovery.
            return None;
        }
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = trouble.clone();
        trouble.map(|why| format!("can't read streams from Redis: {why}"))
    }
}

/// A random number below `most`; 0 if that is 0.
fn random_below(most: u64) -> u64 {
    std::hash::RandomState::new().hash_one(()) % most.max(1)
}
