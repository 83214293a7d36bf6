//! The timer of all connections.
//!
//! A wheel of slots advances one slot a tick and visits every connection once a
//! turn. So a connection needs no timer, and a deadline is met within a turn.

use super::connection::Connection;
use super::limits::{SseSettings, TICK, Tick};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// The longest turn.
const TURN: Duration = Duration::from_secs(4);

pub(super) struct Wheel {
    slots: Box<[Mutex<Vec<Weak<Connection>>>]>,
    next: AtomicUsize,
}

impl Wheel {
    /// A wheel that is fast enough for these settings.
    pub fn new(settings: &SseSettings) -> Wheel {
        let shortest = settings.heartbeat.min(settings.write_timeout);
        let turn = (shortest / 4).clamp(TICK, TURN);
        let slots = turn.as_millis().div_ceil(TICK.as_millis());
        Wheel {
            slots: (0..slots).map(|_| Mutex::default()).collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// Adds a connection; slots are filled evenly.
    pub fn add(&self, connection: &Arc<Connection>) {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        let slot = &self.slots[next];
        slot.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::downgrade(connection));
    }

    /// The connections of this tick's slot that are still open.
    pub fn due(&self, now: Tick) -> Vec<Arc<Connection>> {
        let slot = &self.slots[now.0 as usize % self.slots.len()];
        let mut due = Vec::new();
        slot.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|weak| {
                let connection = weak.upgrade();
                let there = connection.is_some();
                due.extend(connection);
                there
            });
        due
    }

    /// The duration of a turn.
    pub fn turn(&self) -> Duration {
        TICK * self.slots.len() as u32
    }
}
