//! Who is connected, and who may have news.

use super::connection::{Begin, Connection};
use super::{News, Streams, body::EventBody, reader};
use crate::record::{ClientId, StreamName};
use metrics::gauge;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

/// Comes often enough for nginx (60 s) and most networks.
const COMMENT_EVERY: Duration = Duration::from_secs(15);
/// An interest outlives a reconnection; it is renewed in a third of its time.
const LEASE: Duration = Duration::from_secs(30);

/// Everyone who is connected to this process.
pub struct Hub {
    pub(super) streams: Arc<dyn Streams>,
    clients: Mutex<Clients>,
    pub(super) news: Notify,
    /// The store may have forgotten who is connected.
    forgotten: Notify,
    /// Why nothing can be read now, where that is so.
    pub(super) trouble: Mutex<Option<String>>,
}

#[derive(Default)]
struct Clients {
    connected: HashMap<ClientId, Vec<Arc<Connection>>>,
    /// Clients that may have news: each once, however often the bell rings.
    dirty: HashSet<ClientId>,
    /// The same in the order that they came, so that those that always have
    /// news hold nobody up.
    turns: VecDeque<ClientId>,
    closed: bool,
}

impl Hub {
    /// Starts the shared reader, the doorbell's listener and the clocks, on the
    /// running tokio.
    pub fn start(streams: Arc<dyn Streams>) -> Arc<Hub> {
        let hub = Arc::new(Hub {
            streams,
            clients: Mutex::default(),
            news: Notify::new(),
            forgotten: Notify::new(),
            trouble: Mutex::default(),
        });
        tokio::spawn(listen(hub.clone()));
        tokio::spawn(reader::run(hub.clone()));
        tokio::spawn(comment(hub.clone()));
        tokio::spawn(keep_interest(hub.clone()));
        hub
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a stream.
    pub(super) async fn open(self: &Arc<Hub>, client: ClientId, begin: Begin) -> EventBody {
        // Before it is read for, so that what is made only for those who are
        // connected is made from here on. If it fails, so will the reads.
        let _ = self
            .streams
            .keep_interest(vec![client.clone()], LEASE)
            .await;
        let connection = Arc::new(Connection::new(client.clone(), begin, jittered(2000)));
        let mut clients = self.clients();
        clients
            .connected
            .entry(client.clone())
            .or_default()
            .push(connection.clone());
        clients.mark(client);
        if clients.closed {
            connection.end(jittered(1000));
        }
        drop(clients);
        gauge!("millstream_sse_connections").increment(1);
        self.news.notify_one();
        EventBody {
            hub: self.clone(),
            connection,
        }
    }

    pub(super) fn close(&self, connection: &Arc<Connection>) {
        let mut clients = self.clients();
        if let Some(open) = clients.connected.get_mut(&connection.client) {
            open.retain(|other| !Arc::ptr_eq(other, connection));
            if open.is_empty() {
                clients.connected.remove(&connection.client);
            }
        }
        gauge!("millstream_sse_connections").decrement(1);
    }

    /// Notes that a client may have news.
    pub(super) fn ring(&self, client: &ClientId) {
        let mut clients = self.clients();
        if clients.connected.contains_key(client) {
            clients.mark(client.clone());
            self.news.notify_one();
        }
    }

    /// Whatever may have been missed: everyone looks, and asks for gaps.
    fn missed(&self) {
        let mut clients = self.clients();
        let all: Vec<ClientId> = clients.connected.keys().cloned().collect();
        all.into_iter().for_each(|client| clients.mark(client));
        let connections = clients.connected.values().flatten();
        connections.for_each(|connection| connection.doubt());
        self.news.notify_one();
        self.forgotten.notify_one();
    }

    /// Takes up to `most` clients that may have news, with their connections.
    pub(super) fn take_dirty(&self, most: usize) -> Vec<(ClientId, Vec<Arc<Connection>>)> {
        let mut clients = self.clients();
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(client) = clients.turns.pop_front()
        {
            clients.dirty.remove(&client);
            // It may have left meanwhile.
            if let Some(open) = clients.connected.get(&client) {
                let open = open.clone();
                taken.push((client, open));
            }
        }
        if !clients.turns.is_empty() {
            self.news.notify_one();
        }
        taken
    }

    fn everyone(&self) -> Vec<Arc<Connection>> {
        self.clients()
            .connected
            .values()
            .flatten()
            .cloned()
            .collect()
    }

    /// Ends every stream, and every one that is opened from now on. Clients
    /// come back at different times.
    pub fn close_all(&self) {
        self.clients().closed = true;
        self.everyone()
            .iter()
            .for_each(|connection| connection.end(jittered(1000)));
    }

    /// Why nothing can be read now; `None` when it can.
    pub fn not_ready(&self) -> Option<String> {
        if self.clients().connected.is_empty() {
            // Nobody reads, so nothing would tell that it is over.
            return None;
        }
        let trouble = self
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        trouble.map(|why| format!("streams can't be read: {why}"))
    }
}

async fn listen(hub: Arc<Hub>) {
    let streams = hub.streams.clone();
    let hear = move |news| match news {
        News::Of(streams) => {
            for stream in &streams {
                if let StreamName::Client(client) = stream {
                    hub.ring(client);
                }
            }
        }
        News::Missed => hub.missed(),
        News::Disconnect(_) | News::Revoked => {}
    };
    streams.listen(Box::new(hear)).await;
}

/// Comments, for everyone at once; whatever the store does.
async fn comment(hub: Arc<Hub>) {
    let mut every = interval(COMMENT_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        hub.everyone()
            .iter()
            .for_each(|connection| connection.comment());
    }
}

/// Renews everyone's interest in time, and when the store may have lost it.
async fn keep_interest(hub: Arc<Hub>) {
    let mut every = interval(LEASE / 3);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = hub.forgotten.notified() => {}
        }
        let clients: Vec<ClientId> = hub.clients().connected.keys().cloned().collect();
        if !clients.is_empty()
            && let Err(error) = hub.streams.keep_interest(clients, LEASE).await
        {
            tracing::warn!(%error, "can't note who is connected");
        }
    }
}

impl Clients {
    fn mark(&mut self, client: ClientId) {
        if self.dirty.insert(client.clone()) {
            self.turns.push_back(client);
        }
    }
}

/// Between half and one and a half times `ms`, so that clients don't return in
/// step.
fn jittered(ms: u64) -> u64 {
    ms / 2 + std::hash::RandomState::new().hash_one(()) % ms
}
