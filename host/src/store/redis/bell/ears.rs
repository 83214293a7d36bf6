//! What is known of the two ways in which news comes here.

use metrics::gauge;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Whether the channel is heard, and the key can be read.
#[derive(Default)]
pub(in crate::store::redis) struct Ears {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    channel: Channel,
    /// Why the key can't be read now.
    key: Option<String>,
}

#[derive(Default, PartialEq, Eq)]
enum Channel {
    /// Not tried yet.
    #[default]
    Unknown,
    /// Our own rings come back.
    Heard,
    /// They don't.
    Deaf(Deaf),
}

#[derive(Clone, PartialEq, Eq)]
struct Deaf {
    why: String,
    /// Redis says no: trying again brings nothing soon.
    refused: bool,
    /// Tries in vain to subscribe.
    tries: u32,
}

impl Deaf {
    /// A subscription that broke is most often back at once.
    fn polls(&self) -> bool {
        self.refused || self.tries > 1
    }
}

impl Ears {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The channel is heard; what it was before.
    pub fn hear(&self) -> bool {
        let before = std::mem::replace(&mut self.state().channel, Channel::Heard);
        if before != Channel::Heard {
            gauge!("millstream_store_news_polled").set(0.0);
            self.changed.notify_one();
        }
        matches!(before, Channel::Deaf(_))
    }

    /// The channel is not heard, or was not again; whether that, or why, is new.
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

    /// Whether the channel is heard, as far as is known.
    pub fn hears(&self) -> bool {
        !matches!(self.state().channel, Channel::Deaf(_))
    }

    /// Whether news comes only by the key.
    pub fn polls(&self) -> bool {
        matches!(&self.state().channel, Channel::Deaf(deaf) if deaf.polls())
    }

    pub fn key_read(&self, read: Result<(), String>) {
        self.state().key = read.err();
    }

    /// Whether news comes in any way: the next try to subscribe may wait.
    pub fn sees(&self) -> bool {
        self.state().key.is_none()
    }

    /// Waits for this long, or until a channel is heard or lost.
    pub async fn rest(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.changed.notified()).await;
    }

    /// What is amiss while news still comes.
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

    /// Why no news comes.
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
