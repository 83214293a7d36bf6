//! What is settled before anything is read: who may read, and that the store
//! knows who is connected.

use super::Streams;
use super::connection::Connection;
use super::hub::Hub;
use super::place::Reader;
use crate::record::{ClientId, StreamName};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
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

    fn revocations(&self) -> MutexGuard<'_, HashMap<ClientId, u64>> {
        let revocations = self.revocations.lock();
        revocations.unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, as the store had them. Those that were rung meanwhile are
    /// known, and stay.
    fn apply(&self, revoked: Vec<(ClientId, u64)>) {
        let mut known = self.revocations();
        for (client, before) in revoked {
            add(&mut known, client, before);
        }
        // Known first: who opens a stream meanwhile asks again once it is open.
        drop(known);
        self.forget_expired();
        self.end_revoked(self.everyone());
    }

    /// One was added.
    pub(super) fn revoked(&self, client: &ClientId, before: u64) {
        add(&mut self.revocations(), client.clone(), before);
        self.forget_expired();
        self.end_revoked(self.of(client));
    }

    fn end_revoked(&self, connections: Vec<Arc<Connection>>) {
        for connection in connections {
            let Reader {
                client, issued_at, ..
            } = &connection.reader;
            if self.is_revoked(client, *issued_at) {
                connection.end(self.retry_ms(1));
            }
        }
    }

    /// Tokens that were issued before this time, in seconds since 1970, have all
    /// expired, where it is configured how long they live.
    pub(super) fn expired(&self) -> Option<u64> {
        let longest = self.limits.settings.token_life?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let then = now.unwrap_or_default().checked_sub(longest);
        Some(then.unwrap_or_default().as_secs())
    }

    /// Those of expired tokens go when there are many of them: it takes a look
    /// at all.
    fn forget_expired(&self) {
        let mut known = self.revocations();
        if let Some(expired) = self.expired()
            && known.len() == known.capacity()
        {
            known.retain(|_, before| *before > expired);
        }
    }

    /// Whether a client's token that was issued then was revoked, as far as
    /// this process knows.
    pub fn is_revoked(&self, client: &ClientId, issued_at: Option<u64>) -> bool {
        let before = self.revocations().get(client).copied();
        before.is_some_and(|before| issued_at.is_none_or(|issued| issued < before))
    }
}

fn add(known: &mut HashMap<ClientId, u64>, client: ClientId, before: u64) {
    let last = known.entry(client).or_default();
    *last = before.max(*last);
}

/// Renews everyone's interest in time, and when the store may have lost it.
pub(super) async fn keep_interest(hub: Arc<Hub>) -> Infallible {
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
