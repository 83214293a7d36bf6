//! Detects a stage that makes no progress.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// When a stage last made progress.
#[derive(Default)]
pub struct Pulse {
    /// Its last progress; 0 while it waits for work.
    progress: AtomicU64,
    /// Its last sign of life of any kind; 0 before the first one.
    sign: AtomicU64,
}

impl Pulse {
    /// Records progress.
    pub fn beat(&self) {
        let now = now();
        self.progress.store(now, Ordering::Relaxed);
        self.sign.store(now, Ordering::Relaxed);
    }

    /// Records that the stage waits for work.
    pub fn rest(&self) {
        self.progress.store(0, Ordering::Relaxed);
        self.sign.store(now(), Ordering::Relaxed);
    }

    /// Records that the stage waits for another one, which has a pulse of its own.
    pub fn depend(&self) {
        self.progress.store(0, Ordering::Relaxed);
        self.sign.store(0, Ordering::Relaxed);
    }

    /// How long the stage has made no progress, if that is longer than `most`. While it waits for
    /// work it need not make any.
    pub fn stuck_for(&self, most: Duration) -> Option<Duration> {
        longer(&self.progress, most)
    }

    /// How long a stage that wakes up all the time gave no sign of life, if that is longer than
    /// `most`.
    pub fn silent_for(&self, most: Duration) -> Option<Duration> {
        longer(&self.sign, most)
    }
}

/// Milliseconds, from 1 on.
fn now() -> u64 {
    (BEGAN.elapsed().as_millis() as u64).max(1)
}

fn longer(last: &AtomicU64, most: Duration) -> Option<Duration> {
    let last = last.load(Ordering::Relaxed);
    let since = BEGAN.elapsed().saturating_sub(Duration::from_millis(last));
    (last > 0 && since > most).then_some(since)
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
        // A stage that rests gives signs of life, too.
        assert!(pulse.silent_for(Duration::ZERO).is_some());
        assert!(pulse.silent_for(Duration::from_secs(60)).is_none());
        pulse.depend();
        assert!(pulse.silent_for(Duration::ZERO).is_none());
        assert!(Pulse::default().silent_for(Duration::ZERO).is_none());
    }
}
