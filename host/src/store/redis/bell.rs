//! The doorbell: what is rung, and its listener.
//!
//! A subscription can die without a word (a half-open connection), and then no
//! ring comes: so the listener rings itself each second, and subscribes anew
//! when two of its own rings did not come back.

use super::{PATIENCE, RedisStore};
use crate::record::{ClientId, StreamKind, StreamName};
use crate::store::Bell;
use futures_core::Stream;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// A ring of our own: no name holds a control character.
const OWN: &[u8] = b"\0";
/// What stands before a name that is not a client's with news.
const GROUP: u8 = 1;
const DISCONNECT: u8 = 2;
const REVOKED: u8 = 3;

/// A ring for streams that have news.
pub(super) fn lines(streams: &[(StreamKind, &[u8])]) -> Vec<u8> {
    let mut all = Vec::with_capacity(streams.iter().map(|(_, name)| name.len() + 2).sum());
    for (index, (kind, name)) in streams.iter().enumerate() {
        if index > 0 {
            all.push(b'\n');
        }
        if *kind == StreamKind::Group {
            all.push(GROUP);
        }
        all.extend_from_slice(name);
    }
    all
}

/// A ring that ends a client's streams.
pub(super) fn disconnect(client: &ClientId) -> Vec<u8> {
    [&[DISCONNECT], client.as_str().as_bytes()].concat()
}

/// A ring that tells of a revocation.
pub(super) fn revoked(client: &ClientId) -> Vec<u8> {
    [&[REVOKED], client.as_str().as_bytes()].concat()
}

fn heard(ring: &[u8]) -> Vec<Bell> {
    let mut bells = Vec::new();
    let mut news = Vec::new();
    for line in ring.split(|b| *b == b'\n') {
        match line {
            [GROUP, name @ ..] => news.extend(StreamName::new(StreamKind::Group, name)),
            [DISCONNECT, name @ ..] => bells.extend(ClientId::new(name).map(Bell::Disconnect)),
            [REVOKED, ..] => bells.push(Bell::Revoked),
            name => news.extend(StreamName::new(StreamKind::Client, name)),
        }
    }
    if !news.is_empty() {
        bells.push(Bell::News(news));
    }
    bells
}

impl RedisStore {
    pub(in crate::store) async fn listen(&self, hear: &(dyn Fn(Bell) + Send + Sync)) {
        let mut said = false;
        loop {
            let error = self.subscription(hear, &mut said).await;
            if !std::mem::replace(&mut said, true) {
                let redis = self.client.get_connection_info().addr();
                tracing::warn!(%error, %redis, "the doorbell is silent; subscribing again");
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// One subscription, until it is broken: why. `said` is whether it was
    /// said that there is none.
    async fn subscription(
        &self,
        hear: &(dyn Fn(Bell) + Send + Sync),
        said: &mut bool,
    ) -> redis::RedisError {
        let late = || redis::RedisError::from((redis::ErrorKind::Io, "no answer in time"));
        let mut pubsub = match timeout(PATIENCE, self.client.get_async_pubsub()).await {
            Ok(Ok(pubsub)) => pubsub,
            Ok(Err(error)) => return error,
            Err(_) => return late(),
        };
        match timeout(PATIENCE, pubsub.subscribe(&self.keys.bell)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error,
            Err(_) => return late(),
        }
        if std::mem::take(said) {
            tracing::info!("the doorbell is heard again");
        }
        // Only now does no ring get lost: everyone reads once.
        hear(Bell::Missed);
        let mut rings = pubsub.into_on_message();
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut unheard = 0;
        loop {
            tokio::select! {
                ring = std::future::poll_fn(|cx| std::pin::Pin::new(&mut rings).poll_next(cx)) => {
                    let Some(ring) = ring else { return late() };
                    unheard = 0;
                    heard(ring.get_payload_bytes()).into_iter().for_each(hear);
                }
                _ = second.tick() => {
                    if unheard == 2 {
                        return late();
                    }
                    unheard += 1;
                    self.ring_ourselves().await;
                }
            }
        }
    }

    /// A failed ring shows as one that was not heard. It may not take longer
    /// than the time to the next one, or a silent death is noticed late.
    async fn ring_ourselves(&self) {
        let mut pipe = redis::pipe();
        pipe.cmd("PUBLISH").arg(&self.keys.bell).arg(OWN).ignore();
        let _ = timeout(Duration::from_secs(1), self.query::<()>(&pipe)).await;
    }
}
