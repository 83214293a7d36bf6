//! Requests that are under way: as many as fit in memory, and of one client no
//! more than its part.

use crate::record::ClientId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of all of them together, in KiB. Each body is there up to three times:
/// as it was read, as it is sent, and as librdkafka has it.
const ALL_KIB: usize = 64 << 10;
/// What a request takes beside its body.
const ONE_KIB: usize = 4;
/// Of one client at once.
const OF_ONE: usize = 64;

/// Room for requests.
pub(super) struct InFlight {
    room: Arc<Semaphore>,
    all: u32,
    clients: Arc<Mutex<HashMap<ClientId, usize>>>,
}

/// One request's; given back when dropped.
pub(super) struct InFlightRequest {
    _room: OwnedSemaphorePermit,
    client: ClientId,
    clients: Arc<Mutex<HashMap<ClientId, usize>>>,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// There are too many.
    Full,
    /// There are too many of this client.
    OfClient,
}

impl InFlight {
    /// For bodies of at most so many bytes.
    pub fn new(max_body: usize) -> InFlight {
        let all = ALL_KIB.max(4 * kib(max_body));
        InFlight {
            room: Arc::new(Semaphore::new(all)),
            all: all as u32,
            clients: Arc::default(),
        }
    }

    /// Room for a request with a body of at most so many bytes.
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

    /// Returns when all are given back.
    pub async fn empty(&self) {
        // It is never closed.
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
    fn a_client_has_its_part_and_all_have_no_more_than_there_is() {
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
