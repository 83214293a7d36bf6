//! Watches the records that new plugins process after a swap, so that one bad save
//! does not dead-letter a whole topic.
//!
//! It judges a batch before anything of it is sent or stored. A batch that opens the
//! breaker is processed again, by the previous plugins or, if the pipeline halts, by
//! those that are saved next.

use crate::pipeline::settings::BreakerSettings;
use crate::record::{Class, Failure, Stage};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One pipeline's breaker.
pub(in crate::pipeline) struct Breaker {
    settings: BreakerSettings,
    watch: Mutex<Watch>,
}

#[derive(Default)]
struct Watch {
    /// The watched generation. `opened` is the last one that the breaker opened for.
    generation: u64,
    opened: u64,
    records: u64,
    failed: u64,
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Judged {
    /// Continue.
    Good,
    /// This batch opened the breaker: `failed` of `records` records failed.
    Opened { failed: u64, records: u64 },
    /// The breaker is open for the generation that processed it.
    Open,
    /// A newer generation is watched.
    Stale,
    /// Too many records failed, but of too few to judge.
    Unsure,
}

impl Breaker {
    pub fn new(settings: BreakerSettings) -> Breaker {
        Breaker {
            settings,
            watch: Mutex::default(),
        }
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts to watch a generation that a swap made live.
    pub fn arm(&self, generation: u64) {
        let mut watch = self.watch();
        *watch = Watch {
            generation,
            opened: watch.opened,
            ..Watch::default()
        };
    }

    /// Whether the breaker is open for this generation.
    pub fn open_for(&self, generation: u64) -> bool {
        self.watch().opened == generation
    }

    /// Judges the failures of a generation on `records` records.
    pub fn judge(&self, generation: u64, records: usize, failures: &[Failure]) -> Judged {
        let failed = failures.iter().filter(|f| is_the_plugins(f)).count();
        self.count(generation, records, failed)
    }

    /// Judges `failed` failures of `records` records.
    pub fn count(&self, generation: u64, records: usize, failed: usize) -> Judged {
        let mut watch = self.watch();
        if watch.opened == generation {
            return Judged::Open;
        }
        if watch.generation > generation {
            return Judged::Stale;
        }
        if watch.generation != generation || watch.records > self.settings.window {
            return Judged::Good;
        }
        watch.records += records as u64;
        watch.failed += failed as u64;
        let Watch {
            records, failed, ..
        } = *watch;
        let share = failed as f64 / records.max(1) as f64;
        if share <= self.settings.max_failures {
            return Judged::Good;
        }
        if records < self.settings.min_records {
            return Judged::Unsure;
        }
        watch.opened = generation;
        Judged::Opened { failed, records }
    }
}

/// Transient failures, and those outside of plugins, don't count.
fn is_the_plugins(failure: &Failure) -> bool {
    failure.class != Class::Transient && matches!(failure.stage, Stage::Transform | Stage::Route)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::settings::BreakerAction;

    fn breaker() -> Breaker {
        Breaker::new(BreakerSettings {
            action: BreakerAction::Previous,
            max_failures: 0.5,
            min_records: 10,
            window: 100,
        })
    }

    fn failures(n: u32, class: Class) -> Vec<Failure> {
        (0..n)
            .map(|n| Failure::new(n, Stage::Transform, class, "no"))
            .collect()
    }

    #[test]
    fn the_breaker_opens_when_too_many_records_fail_and_stays_open() {
        let breaker = breaker();
        breaker.arm(2);
        let unsure = Judged::Unsure;
        assert_eq!(breaker.judge(2, 8, &failures(8, Class::Trap)), unsure);
        let opened = Judged::Opened {
            failed: 9,
            records: 16,
        };
        assert_eq!(breaker.judge(2, 8, &failures(1, Class::Trap)), opened);
        assert_eq!(breaker.judge(2, 8, &[]), Judged::Open);
        assert!(breaker.open_for(2) && !breaker.open_for(3));
        breaker.arm(3);
        assert_eq!(
            breaker.judge(3, 50, &failures(25, Class::Trap)),
            Judged::Good
        );
        // A worker with the bad generation processes its batch again, and so does one
        // whose plugins were replaced before they were judged.
        assert_eq!(breaker.judge(2, 8, &[]), Judged::Open);
        assert_eq!(breaker.judge(1, 8, &[]), Judged::Stale);
    }

    #[test]
    fn old_plugins_transient_failures_and_a_full_window_never_open_the_breaker() {
        let breaker = breaker();
        assert_eq!(
            breaker.judge(1, 50, &failures(50, Class::Trap)),
            Judged::Good
        );
        breaker.arm(2);
        assert_eq!(
            breaker.judge(2, 50, &failures(50, Class::Transient)),
            Judged::Good
        );
        assert_eq!(breaker.judge(2, 51, &[]), Judged::Good);
        assert_eq!(
            breaker.judge(2, 500, &failures(500, Class::Trap)),
            Judged::Good
        );
    }
}
