//! Detects a stage that makes no progress.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// When a stage last made progress. Empty while it waits for work.
#[derive(Default)]
pub struct Pulse(AtomicU64);

impl Pulse {
    /// Records progress.
    pub fn beat(&self) {
        let now = BEGAN.elapsed().as_millis() as u64;
        // 0 means that the stage rests.
        self.0.store(now.max(1), Ordering::Relaxed);
    }

    /// Records that the stage waits for work.
    pub fn rest(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// How long the stage has made no progress, if that is longer than `most`.
    pub fn stuck_for(&self, most: Duration) -> Option<Duration> {
        let last = self.0.load(Ordering::Relaxed);
        let since = BEGAN.elapsed().saturating_sub(Duration::from_millis(last));
        (last > 0 && since > most).then_some(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_without_a_new_turn_is_stuck_unless_it_rests() {
        let pulse = Pulse::default();
        let stuck = || pulse.stuck_for(Duration::ZERO).is_some();
        let wait = || std::thread::sleep(Duration::from_millis(3));
        wait();
        assert!(!stuck());
        pulse.beat();
        wait();
        assert!(stuck());
        assert!(pulse.stuck_for(Duration::from_secs(60)).is_none());
        pulse.rest();
        wait();
        assert!(!stuck());
    }
}
