//! Requests in progress, limited by their memory and by client.

use crate::record::ClientId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// KiB of all requests together. Each body is held up to three times: as read,
/// as sent, and by librdkafka.
const ALL_KIB: usize = 64 << 10;
/// KiB that a request takes beside its body.
const ONE_KIB: usize = 4;
/// The most requests of one client at once.
const OF_ONE: usize = 64;

/// Admits requests.
pub(super) struct InFlight {
    room: Arc<Semaphore>,
    all: u32,
    clients: Arc<Mutex<HashMap<ClientId, usize>>>,
}

/// The share of one request; released on drop.
pub(super) struct InFlightRequest {
    _room: OwnedSemaphorePermit,
    client: ClientId,
    clients: Arc<Mutex<HashMap<ClientId, usize>>>,
}

/// Why a request is not admitted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// All requests together take too much memory.
    Full,
    /// The client has too many requests.
    OfClient,
}

impl InFlight {
    /// For bodies of at most `max_body` bytes.
    pub fn new(max_body: usize) -> InFlight {
        let all = ALL_KIB.max(4 * kib(max_body));
        InFlight {
            room: Arc::new(Semaphore::new(all)),
            all: all as u32,
            clients: Arc::default(),
        }
    }

    /// Admits a request with a body of at most `body` bytes.
    pub fn take(&self, client: &ClientId, body: usize) -> Result<InFlightRequest, NoRoom> {
        let kib = kib(body) as u32;
        let room = self.room.clone().try_acquire_many_owned(kib);
        let room = room.map_err(|_| NoRoom::Full)?;
        let mut clients = lock(&self.clients);
        let count = clients.entry(client.clone()).or_default();
        if *count == OF_ONE {
            return Err(NoRoom::OfClient);
        }
        *count += 1;
        drop(clients);
        Ok(InFlightRequest {
            _room: room,
            client: client.clone(),
            clients: self.clients.clone(),
        })
    }

    /// Returns when no request is in progress.
    pub async fn empty(&self) {
        // The semaphore is never closed.
        let _ = self.room.acquire_many(self.all).await;
    }
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        let mut clients = lock(&self.clients);
        if let Some(count) = clients.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

fn kib(body: usize) -> usize {
    body.div_ceil(1 << 10) + ONE_KIB
}

/// Nothing panics while it is locked.
fn lock(of: &Mutex<HashMap<ClientId, usize>>) -> MutexGuard<'_, HashMap<ClientId, usize>> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_and_all_clients_together_are_limited() {
        let id = |n: usize| ClientId::new(n.to_string().as_bytes()).expect("an id");
        let in_flight = InFlight::new(1 << 20);
        let take = |n, body| {
            in_flight
                .take(&id(n), body)
                .map_err(|why| format!("{why:?}"))
        };
        let held: Vec<InFlightRequest> = (0..OF_ONE).filter_map(|_| take(0, 100).ok()).collect();
        assert_eq!(held.len(), OF_ONE);
        assert_eq!(take(0, 100).err().as_deref(), Some("OfClient"));
        let others: Vec<InFlightRequest> = (1..100).filter_map(|n| take(n, 1 << 20).ok()).collect();
        assert!((60..64).contains(&others.len()), "{}", others.len());
        assert_eq!(take(1, 1 << 20).err().as_deref(), Some("Full"));
        drop((held, others));
        assert_eq!(in_flight.room.available_permits(), in_flight.all as usize);
        assert!(lock(&in_flight.clients).is_empty());
    }
}
