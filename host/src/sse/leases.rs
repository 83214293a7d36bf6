//! Presence leases: the store knows which clients are connected.

use super::Streams;
use super::hub::Hub;
use crate::record::ClientId;
use crate::record::StreamName;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

impl Hub {
    /// Takes leases for clients that are new on this edge.
    pub(super) async fn lease_new_clients(&self) -> Result<(), String> {
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
}

/// Renews all leases in time, and whenever the store may have lost them.
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
                tracing::info!("presence leases restored");
            }
            Ok(()) => {}
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "can't renew presence leases in Redis; retrying");
                }
                // Sooner than the next renewal: little may be left of a lease.
                tokio::time::sleep(Duration::from_secs(1)).await;
                hub.forgotten.notify_one();
            }
        }
    }
}
