//! Age and idle time of streams, without a command for every event.
//!
//! MAXLEN rides on each XADD; EXPIRE and the trim by age need commands of
//! their own. Each is due for a stream once in an eighth of its period, so a
//! busy stream pays almost nothing and a quiet one pays with its one event.

use super::keys::Keys;
use crate::record::StreamKind;
use crate::store::time::millis;
use crate::store::{Append, Retention};
use redis::Pipeline;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

/// Slots of the table: 16 bytes each. Streams beyond it share slots, and then
/// only pay the two commands more often.
const SLOTS: usize = 1 << 15;

/// The streams whose upkeep rides in a transaction.
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

/// After what time a stream goes: what was set a period ago must still cover the
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

    /// Adds what the streams of an append need now and then, and answers whose
    /// it is. `now` is Redis' time in milliseconds.
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

    /// Whether the stream needs its upkeep now.
    fn due(&self, stream: (StreamKind, &[u8])) -> bool {
        let hash = self.hasher.hash_one(stream);
        let (known, until) = self.slots[hash as usize % SLOTS];
        known != hash || self.now() >= until
    }

    /// Notes that the store did it.
    pub fn done(&mut self, kept_up: &KeptUp) {
        let until = self.now().saturating_add(self.period);
        for (kind, name) in kept_up {
            let hash = self.hasher.hash_one((*kind, &name[..]));
            self.slots[hash as usize % SLOTS] = (hash, until);
        }
    }

    /// Seconds since the table was made, from 1: 0 is an empty slot's.
    fn now(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }
}
