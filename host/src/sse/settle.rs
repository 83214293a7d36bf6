//! What is settled before anything is read: who may read, and that the store
//! knows who is connected.

use super::Streams;
use super::hub::Hub;
use crate::record::{ClientId, StreamName};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

impl Hub {
    /// Has the store know of clients that are new here, and reads revocations
    /// where there may be new ones: nothing is read for anyone before.
    pub(super) async fn settle(&self) -> Result<(), String> {
        if self.stale.swap(false, Ordering::AcqRel) {
            let revoked = self
                .ask(|streams| async move { streams.revoked().await })
                .await;
            let revoked = revoked.inspect_err(|_| self.stale.store(true, Ordering::Release))?;
            self.apply(revoked);
        }
        let new = std::mem::take(&mut self.clients().new);
        let new: Vec<ClientId> = new.into_iter().collect();
        if new.is_empty() {
            return Ok(());
        }
        let lease = self.limits.settings.lease();
        let again = new.clone();
        let keep =
            |streams: Arc<dyn Streams>| async move { streams.keep_interest(new, lease).await };
        let kept = self.ask(keep).await;
        kept.inspect_err(|_| {
            let mut clients = self.clients();
            let known = |client: &ClientId| {
                let own = StreamName::Client(client.clone());
                clients.feeds.contains_key(&own)
            };
            let again: Vec<_> = again.into_iter().filter(known).collect();
            clients.new.extend(again);
        })
    }

    fn apply(&self, revoked: Vec<(ClientId, u64)>) {
        let revoked: HashMap<_, _> = revoked.into_iter().collect();
        // Known first: who opens a stream meanwhile asks again once it is open.
        *self.revoked.lock().unwrap_or_else(PoisonError::into_inner) = revoked.clone();
        for connection in self.everyone() {
            let before = revoked.get(&connection.reader.client);
            if is_revoked(before, connection.reader.issued_at) {
                connection.end(self.retry_ms(1));
            }
        }
    }

    /// Whether a client's token that was issued then was revoked, as far as
    /// this process knows.
    pub fn is_revoked(&self, client: &ClientId, issued_at: Option<u64>) -> bool {
        let revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        is_revoked(revoked.get(client), issued_at)
    }
}

fn is_revoked(before: Option<&u64>, issued_at: Option<u64>) -> bool {
    before.is_some_and(|before| issued_at.is_none_or(|issued| issued < *before))
}

/// Renews everyone's interest in time, and when the store may have lost it.
pub(super) async fn keep_interest(hub: Arc<Hub>) {
    let lease = hub.limits.settings.lease();
    let mut every = interval(lease / 3);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = hub.forgotten.notified() => {}
        }
        let own = |name: &StreamName| match name {
            StreamName::Client(client) => Some(client.clone()),
            StreamName::Group(_) => None,
        };
        let clients: Vec<_> = hub.clients().feeds.keys().filter_map(own).collect();
        if clients.is_empty() {
            continue;
        }
        match hub.streams.keep_interest(clients, lease).await {
            Ok(()) if std::mem::take(&mut failing) => {
                tracing::info!("who is connected is noted again");
            }
            Ok(()) => {}
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "can't note who is connected; trying on");
                }
                // Sooner than the next renewal: what is left of a lease is short.
                tokio::time::sleep(Duration::from_secs(1)).await;
                hub.forgotten.notify_one();
            }
        }
    }
}
