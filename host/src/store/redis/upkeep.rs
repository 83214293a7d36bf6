//! Enforces the age and idle time of streams without a command for every event.
//!
//! MAXLEN is part of each XADD; expiry and trimming by age need separate
//! commands. They are due for a stream once per eighth of their period, so a busy
//! stream pays almost nothing, and an idle one pays with its single event.

use super::keys::Keys;
use super::resp::{Commands, decimal};
use super::streams::{Stream, Streams};
use crate::store::Retention;
use crate::store::time::millis;
use std::time::{Duration, Instant};

/// Slots of the table, 16 bytes each. More streams than slots share them, and
/// then only need the two commands more often.
const SLOTS: usize = 1 << 15;

/// The hashes of the streams whose upkeep is part of a transaction.
pub(super) type KeptUp = Vec<u64>;

/// Remembers when each stream was last kept up.
pub(super) struct Upkeep {
    max_age: Duration,
    expiry: Duration,
    period: u32,
    started: Instant,
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
            slots: vec![(0, 0); SLOTS],
        }
    }

    /// Adds the upkeep that is due for the streams of an append, and returns
    /// those streams. `now` is Redis's time in milliseconds.
    pub fn add(&self, commands: &mut Commands, keys: &Keys, streams: &Streams, now: u64) -> KeptUp {
        let (mut oldest, mut expiry) = ([0; 20], [0; 20]);
        let oldest = decimal(&mut oldest, now.saturating_sub(millis(self.max_age)));
        let expiry = decimal(&mut expiry, millis(self.expiry));
        let since = self.now();
        let mut kept_up = Vec::new();
        for stream in streams.iter().filter(|stream| self.due(stream, since)) {
            let key = keys.stream_parts(stream.kind, stream.name);
            commands.begin(4);
            commands.word(b"XTRIM");
            commands.parts(&key);
            commands.word(b"MINID");
            commands.word(oldest);
            commands.begin(3);
            commands.word(b"PEXPIRE");
            commands.parts(&key);
            commands.word(expiry);
            kept_up.push(stream.hash);
        }
        kept_up
    }

    /// Whether the stream's upkeep is due.
    fn due(&self, stream: &Stream, now: u32) -> bool {
        let (known, until) = self.slots[stream.hash as usize % SLOTS];
        known != stream.hash || now >= until
    }

    /// Records that the store did the upkeep.
    pub fn done(&mut self, kept_up: &KeptUp) {
        let until = self.now().saturating_add(self.period);
        for hash in kept_up {
            self.slots[*hash as usize % SLOTS] = (*hash, until);
        }
    }

    /// Seconds since the table was created, from 1: 0 marks an empty slot.
    fn now(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }
}
