//! Leases of connected clients, clients with suppressed events, and revocations.

use super::answers::{scores_of, time_of};
use super::store::RedisStore;
use super::{bell, upkeep};
use crate::record::{AWAY, ClientId, StreamKind};
use crate::store::Unavailable;
use crate::store::time::millis;
use redis::{Pipeline, Value};
use std::collections::HashMap;
use std::time::Duration;

/// The minimum time to remember that a client's events were suppressed, so that
/// it is notified when it returns.
const NOTES_KEPT: Duration = Duration::from_hours(30 * 24);
/// Revocations per answer: they block Redis for a few milliseconds.
const SCANNED: usize = 5000;
/// The maximum number of clients per command.
const SOME: usize = 1000;

impl RedisStore {
    pub(in crate::store) async fn keep_interest(
        &self,
        clients: &[ClientId],
        lease: Duration,
    ) -> Result<(), Unavailable> {
        let mut pipe = redis::pipe();
        pipe.cmd("TIME");
        let answers: Vec<Value> = self.query(&pipe).await?;
        let now = time_of(&answers[0]);
        for some in clients.chunks(SOME) {
            self.keep_interest_of(some, now, lease).await?;
        }
        Ok(())
    }

    async fn keep_interest_of(
        &self,
        clients: &[ClientId],
        now: u64,
        lease: Duration,
    ) -> Result<(), Unavailable> {
        let kept = NOTES_KEPT.max(2 * self.settings.retention.idle_expiry);
        let old = now.saturating_sub(millis(kept));
        let mut pipe = redis::pipe();
        let forget = |pipe: &mut Pipeline, key: &str, until: u64| {
            pipe.cmd("ZREMRANGEBYSCORE").arg(key).arg("-inf").arg(until);
        };
        forget(&mut pipe, &self.keys.interest, now);
        let add = pipe.cmd("ZADD").arg(&self.keys.interest).arg("GT");
        for client in clients {
            add.arg(now.saturating_add(millis(lease)))
                .arg(client.as_str());
        }
        // Read after the lease is set: the next renewal sees what is suppressed
        // later.
        let scores = pipe.cmd("ZMSCORE").arg(&self.keys.withheld);
        clients.iter().for_each(|client| {
            scores.arg(client.as_str());
        });
        // After that, so that a client that returns late is still notified.
        forget(&mut pipe, &self.keys.withheld, old);
        let answers: Vec<Value> = self.query(&pipe).await?;
        let scores = scores_of(answers.get(2).unwrap_or(&Value::Nil))?;
        let marked = clients.iter().zip(scores);
        let marked: Vec<&ClientId> = marked
            .filter_map(|(client, score)| score.map(|_| client))
            .collect();
        self.mark_away(&marked).await
    }

    /// Adds a mark to the streams of clients whose events were suppressed while
    /// they were away: a reader that reaches it, now or later, is notified of the
    /// gap.
    async fn mark_away(&self, clients: &[&ClientId]) -> Result<(), Unavailable> {
        if clients.is_empty() {
            return Ok(());
        }
        let retention = self.settings.retention;
        let changes = |pipe: &mut Pipeline| {
            for client in clients {
                let name = client.as_str().as_bytes();
                let key = self.keys.stream(StreamKind::Client, name);
                let add = pipe.cmd("XADD").arg(&key).arg("MAXLEN").arg("~");
                add.arg(retention.max_events).arg("*");
                add.arg("type").arg(AWAY).arg("data").arg("");
                let expiry = millis(upkeep::expiry(retention));
                pipe.cmd("PEXPIRE").arg(&key).arg(expiry);
                pipe.cmd("ZREM").arg(&self.keys.withheld).arg(name);
            }
        };
        let names = clients.iter().map(|c| c.as_str().as_bytes());
        let streams: Vec<_> = names.map(|name| (StreamKind::Client, name)).collect();
        self.change_and_ring(changes, &bell::lines(streams.into_iter()))
            .await
    }

    pub(in crate::store) async fn revoke(
        &self,
        client: &ClientId,
        before: u64,
        expired: Option<u64>,
    ) -> Result<(), Unavailable> {
        let revoke = |pipe: &mut Pipeline| {
            if let Some(expired) = expired {
                let forget = pipe.cmd("ZREMRANGEBYSCORE").arg(&self.keys.revoked);
                forget.arg("-inf").arg(expired);
            }
            let add = pipe.cmd("ZADD").arg(&self.keys.revoked);
            add.arg("GT").arg(before).arg(client.as_str());
        };
        self.change_and_ring(revoke, &bell::revoked(client, before))
            .await
    }

    pub(in crate::store) async fn revoked(&self) -> Result<Vec<(ClientId, u64)>, Unavailable> {
        let (mut all, mut cursor) = (HashMap::new(), 0);
        loop {
            let mut pipe = redis::pipe();
            let scan = pipe.cmd("ZSCAN").arg(&self.keys.revoked);
            scan.arg(cursor).arg("COUNT").arg(SCANNED);
            let ((next, some),): ((u64, Vec<(String, f64)>),) = self.query(&pipe).await?;
            let known = |(client, before): (String, f64)| {
                let client = ClientId::new(client.as_bytes()).ok()?;
                Some((client, before as u64))
            };
            // ZSCAN returns each element that exists throughout, perhaps twice.
            all.extend(some.into_iter().filter_map(known));
            if next == 0 {
                return Ok(all.into_iter().collect());
            }
            cursor = next;
        }
    }

    /// The empty stream remains until it expires. It still counts the removed
    /// entries, so a returning client is notified of the gap.
    pub(in crate::store) async fn empty_stream(
        &self,
        client: &ClientId,
    ) -> Result<u64, Unavailable> {
        let key = self.keys.client(client.as_str().as_bytes());
        let mut pipe = redis::pipe();
        pipe.cmd("XTRIM").arg(key).arg("MAXLEN").arg(0);
        let (removed,): (u64,) = self.query(&pipe).await?;
        Ok(removed)
    }

    pub(in crate::store) async fn disconnect(&self, client: &ClientId) -> Result<(), Unavailable> {
        self.change_and_ring(|_| {}, &bell::disconnect(client))
            .await
    }
}
