//! The state of the two ways to receive news.

use metrics::gauge;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Whether messages arrive on the channel, and whether the key can be read.
#[derive(Default)]
pub(in crate::store::redis) struct Ears {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    channel: Channel,
    /// Why the key can't be read.
    key: Option<String>,
}

#[derive(Default, PartialEq, Eq)]
enum Channel {
    /// Not tried yet.
    #[default]
    Unknown,
    /// Our own rings arrive.
    Heard,
    /// Our own rings do not arrive.
    Deaf(Deaf),
}

#[derive(Clone, PartialEq, Eq)]
struct Deaf {
    why: String,
    /// Redis denies it: retrying soon is useless.
    refused: bool,
    /// The number of failed tries to subscribe.
    tries: u32,
}

impl Deaf {
    /// A broken subscription usually recovers at once, so the first failure does
    /// not cause polling.
    fn polls(&self) -> bool {
        self.refused || self.tries > 1
    }
}

impl Ears {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the channel works. Returns whether it did not before.
    pub fn hear(&self) -> bool {
        let before = std::mem::replace(&mut self.state().channel, Channel::Heard);
        if before != Channel::Heard {
            gauge!("millstream_store_news_polled").set(0.0);
            self.changed.notify_one();
        }
        matches!(before, Channel::Deaf(_))
    }

    /// Records that the channel does not work. Returns whether that, or the kind
    /// of reason, is new.
    pub fn deafen(&self, why: String, refused: bool) -> bool {
        let mut state = self.state();
        let (tries, is_new) = match &state.channel {
            Channel::Deaf(before) => (before.tries.saturating_add(1), before.refused != refused),
            _ => (1, true),
        };
        let now = Deaf {
            why,
            refused,
            tries,
        };
        let polls = now.polls();
        state.channel = Channel::Deaf(now);
        drop(state);
        if polls {
            gauge!("millstream_store_news_polled").set(1.0);
            self.changed.notify_one();
        }
        is_new
    }

    /// Whether the channel works, as far as known.
    pub fn hears(&self) -> bool {
        !matches!(self.state().channel, Channel::Deaf(_))
    }

    /// Whether news arrives only through the key.
    pub fn polls(&self) -> bool {
        matches!(&self.state().channel, Channel::Deaf(deaf) if deaf.polls())
    }

    pub fn key_read(&self, read: Result<(), String>) {
        self.state().key = read.err();
    }

    /// Whether the key can be read, so that the next try to subscribe may wait.
    pub fn sees(&self) -> bool {
        self.state().key.is_none()
    }

    /// Waits this long, or until the channel starts or stops working.
    pub async fn rest(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.changed.notified()).await;
    }

    /// A problem while news still arrives.
    pub fn warning(&self) -> Option<String> {
        match &*self.state() {
            State {
                channel: Channel::Deaf(deaf),
                key: None,
            } if deaf.polls() => Some(format!("polling a Redis key for new events: {}", deaf.why)),
            State {
                channel: Channel::Heard,
                key: Some(error),
            } => Some(format!(
                "events from writers without permission to publish arrive late: can't read the \
                 news key: {error}"
            )),
            _ => None,
        }
    }

    /// Why no news arrives.
    pub fn not_ready(&self) -> Option<String> {
        match &*self.state() {
            State {
                channel: Channel::Deaf(Deaf { why, .. }),
                key: Some(error),
            } => Some(format!(
                "no notifications of new events from Redis: {why}; can't read the news key either: \
                 {error}"
            )),
            _ => None,
        }
    }
}
