//! Receives rings through the channel.
//!
//! A subscription can fail silently (a half-open connection), and then no ring
//! arrives. So the listener rings itself every second, and resubscribes when two
//! of its own rings did not arrive.

use super::Hear;
use super::ringer::{grant, is_refused};
use super::rings::{OWN, heard};
use crate::record::News;
use crate::store::redis::errors::PATIENCE;
use crate::store::redis::store::RedisStore;
use futures_core::Stream;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// The pause before the first try to resubscribe.
const SOON: Duration = Duration::from_millis(500);
/// The longest pause before a later try, while news arrives through the key.
const LATER: Duration = Duration::from_secs(10);

impl RedisStore {
    /// Subscribes, and resubscribes forever.
    pub(super) async fn subscribe(&self, hear: Hear<'_>) {
        let mut pause = SOON;
        loop {
            let error = self.subscription(hear).await;
            let was_heard = self.ears.hears();
            self.lost(&error);
            pause = match was_heard || !self.ears.sees() {
                true => SOON,
                false => (pause * 2).min(LATER),
            };
            sleep(pause).await;
        }
    }

    /// Logs once why there is no subscription.
    fn lost(&self, error: &RedisError) {
        let refused = error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm);
        let grant = grant(&self.client, &self.keys);
        let why = match refused {
            true => {
                format!("Redis refuses the notification channel ({error}); to grant it: {grant}")
            }
            false => format!("lost the notification channel ({error})"),
        };
        let redis = self.client.get_connection_info().addr();
        match (self.ears.deafen(why, refused), refused) {
            (false, _) => {}
            (true, true) => tracing::warn!(
                %error, %redis,
                "Redis refuses the notification channel; polling a key for new events, which adds \
                 latency. To grant it: {grant}"
            ),
            (true, false) => tracing::warn!(
                %error, %redis,
                "lost the Redis notification channel; resubscribing, and polling a key for new \
                 events if that fails"
            ),
        }
    }

    /// Runs one subscription until it breaks, and returns the error.
    async fn subscription(&self, hear: Hear<'_>) -> RedisError {
        let late = || RedisError::from((ErrorKind::Io, "no answer in time"));
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
        let mut rings = pubsub.into_on_message();
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut begun, mut unheard) = (false, 0);
        loop {
            tokio::select! {
                ring = std::future::poll_fn(|cx| std::pin::Pin::new(&mut rings).poll_next(cx)) => {
                    let Some(ring) = ring else { return late() };
                    unheard = 0;
                    if !std::mem::replace(&mut begun, true) {
                        self.begin(hear);
                    }
                    heard(ring.get_payload_bytes()).into_iter().for_each(hear);
                }
                _ = second.tick() => {
                    if unheard == 2 {
                        return late();
                    }
                    unheard += 1;
                    if let Err(error) = self.ring_ourselves().await {
                        return error;
                    }
                }
            }
        }
    }

    /// The first ring shows that rings arrive. From now on none is lost, so all
    /// streams are read once.
    fn begin(&self, hear: Hear<'_>) {
        if self.ears.hear() {
            tracing::info!("subscribed to the Redis notification channel again");
        }
        hear(News::Missed);
    }

    /// A failed ring counts as one that did not arrive, unless it is refused. It
    /// must not take longer than the interval, or a silent failure is noticed
    /// late.
    async fn ring_ourselves(&self) -> Result<(), RedisError> {
        let mut pipe = redis::pipe();
        pipe.cmd("PUBLISH").arg(&self.keys.bell).arg(OWN);
        pipe.ignore_errors();
        let answers = timeout(Duration::from_secs(1), self.query::<Vec<Value>>(&pipe)).await;
        match answers {
            Ok(Ok(answers)) if is_refused(&answers[0]) => answers
                .into_iter()
                .try_for_each(|answer| answer.extract_error().map(drop)),
            _ => Ok(()),
        }
    }
}
