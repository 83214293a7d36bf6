//! Age and idle time of streams, without a command for every event.
//!
//! MAXLEN rides on each XADD; EXPIRE and the trim by age need commands of
//! their own. Each is due for a client once in an eighth of its period, so a
//! busy stream pays almost nothing and a quiet one pays with its one event.

use crate::record::StreamKind;
use crate::store::Retention;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

/// Slots of the table: 16 bytes each. Clients beyond it share slots, and then
/// only pay the two commands more often.
const SLOTS: usize = 1 << 15;

/// Remembers when each client's stream was last kept up.
pub(super) struct Upkeep {
    pub max_age: Duration,
    pub expiry: Duration,
    period: u32,
    started: Instant,
    hasher: RandomState,
    slots: Vec<(u64, u32)>,
}

impl Upkeep {
    pub fn new(retention: Retention) -> Upkeep {
        let period = retention.max_age.min(retention.idle_expiry) / 8;
        Upkeep {
            max_age: retention.max_age,
            // What was set a period ago must still cover the whole idle time.
            expiry: retention.idle_expiry + (retention.idle_expiry / 8).max(Duration::from_secs(1)),
            period: u32::try_from(period.as_secs()).unwrap_or(u32::MAX).max(1),
            started: Instant::now(),
            hasher: RandomState::new(),
            slots: vec![(0, 0); SLOTS],
        }
    }

    /// Whether the stream needs its upkeep now.
    pub fn due(&self, stream: (StreamKind, &[u8])) -> bool {
        let hash = self.hasher.hash_one(stream);
        let (known, until) = self.slots[hash as usize % SLOTS];
        known != hash || self.now() >= until
    }

    /// Notes that the store did it.
    pub fn done(&mut self, stream: (StreamKind, &[u8])) {
        let hash = self.hasher.hash_one(stream);
        let until = self.now().saturating_add(self.period);
        self.slots[hash as usize % SLOTS] = (hash, until);
    }

    /// Seconds since the table was made, from 1: 0 is an empty slot's.
    fn now(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }
}
