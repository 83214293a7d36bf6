//! The doorbell's listener.
//!
//! A subscription can die without a word (a half-open connection), and then no
//! ring comes: so the listener rings itself each second, and subscribes anew
//! when two of its own rings did not come back.

use super::{PATIENCE, RedisStore};
use crate::record::ClientId;
use crate::store::Bell;
use futures_core::Stream;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// A ring of our own: no client id holds a control character.
const OWN: &[u8] = b"\0";

impl RedisStore {
    pub(in crate::store) async fn listen(&self, bells: mpsc::Sender<Bell>) {
        let mut said = false;
        while !bells.is_closed() {
            if let Err(error) = self.subscription(&bells, &mut said).await {
                if !std::mem::replace(&mut said, true) {
                    tracing::warn!(%error, "the doorbell is silent; subscribing again");
                }
                sleep(Duration::from_millis(500)).await;
            }
        }
    }

    /// One subscription, until it is broken or nobody listens. `said` is
    /// whether it was said that there is none.
    async fn subscription(
        &self,
        bells: &mpsc::Sender<Bell>,
        said: &mut bool,
    ) -> redis::RedisResult<()> {
        let late = || redis::RedisError::from((redis::ErrorKind::Io, "no answer in time"));
        let mut pubsub = timeout(PATIENCE, self.client.get_async_pubsub())
            .await
            .map_err(|_| late())??;
        let subscribed = timeout(PATIENCE, pubsub.subscribe(&self.keys.bell)).await;
        subscribed.map_err(|_| late())??;
        if std::mem::take(said) {
            tracing::info!("the doorbell is heard again");
        }
        // Only now does no ring get lost: everyone reads once.
        if bells.send(Bell::Missed).await.is_err() {
            return Ok(());
        }
        let mut rings = pubsub.into_on_message();
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut unheard = 0;
        loop {
            tokio::select! {
                ring = std::future::poll_fn(|cx| std::pin::Pin::new(&mut rings).poll_next(cx)) => {
                    let Some(ring) = ring else { return Err(late()) };
                    unheard = 0;
                    let news = clients(ring.get_payload_bytes());
                    if !news.is_empty() && bells.send(Bell::News(news)).await.is_err() {
                        return Ok(());
                    }
                }
                _ = second.tick() => {
                    if unheard == 2 {
                        return Err(late());
                    }
                    unheard += 1;
                    self.ring_ourselves().await;
                }
                () = bells.closed() => return Ok(()),
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

fn clients(payload: &[u8]) -> Vec<ClientId> {
    payload
        .split(|b| *b == b'\n')
        .filter_map(|id| ClientId::new(id).ok())
        .collect()
}
