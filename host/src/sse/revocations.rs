//! The revocations that this process knows.

use super::connection::Connection;
use super::hub::Hub;
use super::place::Reader;
use crate::clock;
use crate::record::ClientId;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

impl Hub {
    /// Reads the revocations if there may be new ones.
    pub(super) async fn read_revocations(&self) -> Result<(), String> {
        if !self.stale.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let revoked = self
            .ask(|streams| async move { streams.revoked().await })
            .await;
        let revoked = revoked.inspect_err(|_| self.stale.store(true, Ordering::Release))?;
        self.apply(revoked);
        Ok(())
    }

    fn revocations(&self) -> MutexGuard<'_, HashMap<ClientId, u64>> {
        let revocations = self.revocations.lock();
        revocations.unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds all revocations of the store. Those that arrived by the doorbell
    /// meanwhile stay.
    fn apply(&self, revoked: Vec<(ClientId, u64)>) {
        let mut known = self.revocations();
        for (client, before) in revoked {
            add(&mut known, client, before);
        }
        // Known first: a stream that opens meanwhile checks again once it is
        // open.
        drop(known);
        self.forget_expired();
        self.end_revoked(self.everyone());
    }

    /// A revocation was added.
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

    /// Tokens issued before this time, in seconds since 1970, have all expired;
    /// `None` if the life of tokens is not configured.
    pub(super) fn expired(&self) -> Option<u64> {
        let longest = self.limits.settings.token_life?;
        let then = clock::unix().checked_sub(longest);
        Some(then.unwrap_or_default().as_secs())
    }

    /// Removes revocations whose tokens have expired. Only when the map is
    /// full, since it visits all of them.
    fn forget_expired(&self) {
        let mut known = self.revocations();
        if let Some(expired) = self.expired()
            && known.len() == known.capacity()
        {
            known.retain(|_, before| *before > expired);
        }
    }

    /// Whether a client's token that was issued then is revoked, as far as this
    /// process knows.
    pub fn is_revoked(&self, client: &ClientId, issued_at: Option<u64>) -> bool {
        let before = self.revocations().get(client).copied();
        before.is_some_and(|before| issued_at.is_none_or(|issued| issued < before))
    }
}

fn add(known: &mut HashMap<ClientId, u64>, client: ClientId, before: u64) {
    let last = known.entry(client).or_default();
    *last = before.max(*last);
}
