//! One clock for all connections: comments and deadlines.
//!
//! A wheel of slots turns a slot a tick, and everyone is looked at once a
//! turn. So a connection costs no timer, and a deadline is met within a turn.

use super::connection::Connection;
use super::frame;
use super::hub::Hub;
use super::limits::{SseSettings, TICK};
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{MissedTickBehavior, interval};

/// Connections that are looked at before other work gets its turn.
const TURN_OF_OTHERS: usize = 64;
/// The longest turn.
const TURN: Duration = Duration::from_secs(4);

pub(super) struct Wheel {
    slots: Box<[Mutex<Vec<Weak<Connection>>>]>,
    next: AtomicUsize,
}

impl Wheel {
    /// A wheel that turns often enough for these settings.
    pub fn new(settings: &SseSettings) -> Wheel {
        let shortest = settings.heartbeat.min(settings.write_timeout);
        let turn = (shortest / 4).clamp(TICK, TURN);
        let slots = turn.as_millis().div_ceil(TICK.as_millis());
        Wheel {
            slots: (0..slots).map(|_| Mutex::default()).collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// Spread over the slots, whenever they come.
    pub fn add(&self, connection: &Arc<Connection>) {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        let slot = &self.slots[next];
        slot.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::downgrade(connection));
    }

    /// How long a turn takes.
    fn turn(&self) -> Duration {
        TICK * self.slots.len() as u32
    }
}

/// Turns until the process ends.
pub(super) async fn run(hub: Arc<Hub>) -> Infallible {
    let comment = frame::comment();
    let every = hub.wheel.turn();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        hub.ticks.beat();
        let now = hub.limits.tick();
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix = unix.unwrap_or_default().as_secs();
        let slot = &hub.wheel.slots[now.0 as usize % hub.wheel.slots.len()];
        let mut due = Vec::new();
        slot.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|weak| {
                let connection = weak.upgrade();
                let there = connection.is_some();
                due.extend(connection);
                there
            });
        for (count, connection) in due.into_iter().enumerate() {
            if count % TURN_OF_OTHERS == TURN_OF_OTHERS - 1 {
                tokio::task::yield_now().await;
            }
            if connection
                .reader
                .expires
                .is_some_and(|expires| expires <= unix)
            {
                connection.end(hub.retry_ms(1));
            }
            connection.tick(now, every, &comment);
        }
    }
}
