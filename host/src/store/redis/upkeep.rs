//! Enforces the age and idle time of streams without a command for every event.
//!
//! MAXLEN is part of each XADD; expiry and trimming by age need separate
//! commands. They are due for a stream once per eighth of their period, so a busy
//! stream pays almost nothing, and an idle one pays with its single event.

use super::keys::Keys;
use crate::record::StreamKind;
use crate::store::time::millis;
use crate::store::{Append, Retention};
use redis::Pipeline;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

/// Slots of the table, 16 bytes each. More streams than slots share them, and
/// then only need the two commands more often.
const SLOTS: usize = 1 << 15;

/// The streams whose upkeep is part of a transaction.
pub(super) type KeptUp = Vec<(StreamKind, Vec<u8>)>;

/// Remembers when each stream was last kept up.
pub(super) struct Upkeep {
    max_age: Duration,
    expiry: Duration,
    period: u32,
    started: Instant,
    hasher: RandomState,
    slots: Vec<(u64, u32)>,
}

/// The expiry of a stream: one that was set a period ago must still cover the
/// whole idle time.
pub(super) fn expiry(retention: Retention) -> Duration {
    retention.idle_expiry + (retention.idle_expiry / 8).max(Duration::from_secs(1))
}

impl Upkeep {
    pub fn new(retention: Retention) -> Upkeep {
        let period = retention.max_age.min(retention.idle_expiry) / 8;
        Upkeep {
            max_age: retention.max_age,
            expiry: expiry(retention),
            period: u32::try_from(period.as_secs()).unwrap_or(u32::MAX).max(1),
            started: Instant::now(),
            hasher: RandomState::new(),
            slots: vec![(0, 0); SLOTS],
        }
    }

    /// Adds the upkeep that is due for the streams of an append, and returns
    /// those streams. `now` is Redis's time in milliseconds.
    pub fn add(&self, pipe: &mut Pipeline, keys: &Keys, append: &Append, now: u64) -> KeptUp {
        let streams = append.events.iter().map(|event| (event.to, event.name));
        let mut due: Vec<_> = streams.filter(|stream| self.due(*stream)).collect();
        due.sort_unstable();
        due.dedup();
        let oldest = now.saturating_sub(millis(self.max_age));
        for (kind, name) in &due {
            let key = keys.stream(*kind, name);
            pipe.cmd("XTRIM").arg(&key).arg("MINID").arg(oldest);
            pipe.cmd("PEXPIRE").arg(&key).arg(millis(self.expiry));
        }
        let owned = |(kind, name): (StreamKind, &[u8])| (kind, name.to_vec());
        due.into_iter().map(owned).collect()
    }

    /// Whether the stream's upkeep is due.
    fn due(&self, stream: (StreamKind, &[u8])) -> bool {
        let hash = self.hasher.hash_one(stream);
        let (known, until) = self.slots[hash as usize % SLOTS];
        known != hash || self.now() >= until
    }

    /// Records that the store did the upkeep.
    pub fn done(&mut self, kept_up: &KeptUp) {
        let until = self.now().saturating_add(self.period);
        for (kind, name) in kept_up {
            let hash = self.hasher.hash_one((*kind, &name[..]));
            self.slots[hash as usize % SLOTS] = (hash, until);
        }
    }

    /// Seconds since the table was created, from 1: 0 marks an empty slot.
    fn now(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }
}
