//! How many records a batch may have now.
//!
//! A batch takes what has arrived: one record when there is little to do. Under load, the
//! records of a batch share one round trip to the store, so many are better where the store
//! is far. But a large batch needs memory, and its first record waits until the last one is
//! ready. So the limit follows the round trip.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The most records in a batch whose store is near.
const NEAR: usize = 512;
/// The part of a batch's time in the store that its round trip may be: one in so many.
const SHARE: u32 = 10;

/// The depth of a pipeline's batches.
pub(super) struct Depth {
    now: AtomicUsize,
    most: usize,
}

impl Depth {
    /// For batches of at most this many records.
    pub fn new(most: usize) -> Depth {
        Depth {
            now: AtomicUsize::new(most.min(NEAR)),
            most,
        }
    }

    /// The most records that the next batch may have.
    pub fn records(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    /// Learns from a batch that the store took so long for, the round trip included.
    pub fn stored(&self, records: usize, took: Duration, round_trip: Duration) {
        let least = self.most.min(NEAR);
        // The time of a small batch says little about one record's.
        if records < least / 2 {
            return;
        }
        let work = took.saturating_sub(round_trip).as_secs_f64() / records as f64;
        let wanted = round_trip.as_secs_f64() * f64::from(SHARE - 1) / work.max(1e-9);
        let wanted = (wanted as usize).clamp(least, self.most);
        let now = (self.records() + wanted).div_ceil(2);
        self.now.store(now.min(self.most), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The depth after many batches of a store with this round trip, at 2 us per record.
    fn settled(most: usize, round_trip: Duration) -> usize {
        let depth = Depth::new(most);
        for _ in 0..50 {
            let records = depth.records();
            let work = Duration::from_micros(2) * records as u32;
            depth.stored(records, round_trip + work, round_trip);
        }
        depth.records()
    }

    #[test]
    fn batches_are_as_deep_as_the_round_trip_is_long() {
        let us = Duration::from_micros;
        for (most, round_trip, depth) in [
            (2048, us(60), 512),
            (2048, us(200), 900),
            (2048, us(1000), 2048),
            (2048, us(0), 512),
            (100, us(1000), 100),
            (1, us(1000), 1),
        ] {
            let found = settled(most, round_trip);
            assert!(found.abs_diff(depth) <= 3, "{most} {round_trip:?}: {found}");
        }
    }

    #[test]
    fn small_batches_and_one_slow_answer_change_little() {
        let depth = Depth::new(2048);
        let ms = Duration::from_millis;
        for _ in 0..100 {
            depth.stored(1, ms(5), ms(5));
        }
        assert_eq!(depth.records(), 512);
        depth.stored(512, ms(50), ms(5));
        assert!(depth.records() < 600, "{}", depth.records());
    }
}
