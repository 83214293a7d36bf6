//! Enforces the age and idle time of streams without a command for every event.
//!
//! MAXLEN is part of each XADD. Trimming by age and expiry are due for a stream once
//! per eighth of their period, so a busy stream pays almost nothing. An idle one pays
//! with its single event, so little: the event's own XADD trims by age, in place of by
//! number. One in eight still trims by number, or a stream whose every event is due
//! would grow without limit; its age needs a command.

use super::keys::Keys;
use super::resp::{Commands, decimal};
use super::streams::{Stream, Streams};
use super::trim::nearly;
use crate::store::time::millis;
use crate::store::{Retention, StreamEvent};
use std::hash::RandomState;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Slots of the table, 8 bytes each. More streams than slots share them, and
/// then only need the upkeep more often.
const SLOTS: usize = 1 << 18;
/// A stream may be in any slot of its set, 64 bytes.
const WAYS: usize = 8;
/// A slot holds the time until which its stream is kept up, in these bits, and as much
/// of the stream's hash as fits above them.
const TIME: u32 = 28;
/// The last time that fits, after eight years at least. From then on all is due.
const LATEST: u64 = (1 << TIME) - 1;

/// The hashes of the streams whose upkeep is part of a transaction.
pub(super) type KeptUp = Vec<u64>;

/// A stream whose upkeep is due.
pub(super) struct Due<'a> {
    stream: Stream<'a>,
    /// The XADD of its first event trims by age.
    in_event: bool,
}

/// Remembers when each stream was last kept up, by any writer of the process. They don't
/// wait for each other: what one misses is done twice.
pub(super) struct Upkeep {
    pub max_events: u64,
    max_age: Duration,
    expiry: Duration,
    /// Hashes the names of streams.
    pub hasher: RandomState,
    /// What times are counted in.
    unit: Duration,
    /// How long a stream is kept up, in units.
    period: u64,
    started: Instant,
    slots: Vec<[AtomicU64; WAYS]>,
    /// How many streams were due.
    count: AtomicU64,
}

/// The expiry of a stream: one that was set a period ago must still cover the
/// whole idle time.
pub(super) fn expiry(retention: Retention) -> Duration {
    retention.idle_expiry + (retention.idle_expiry / 8).max(Duration::from_secs(1))
}

impl Upkeep {
    pub fn new(retention: Retention) -> Upkeep {
        let period = retention.max_age.min(retention.idle_expiry) / 8;
        let unit = (period / 64).max(Duration::from_secs(1));
        Upkeep {
            max_events: retention.max_events,
            max_age: retention.max_age,
            expiry: expiry(retention),
            hasher: RandomState::new(),
            unit,
            period: units(period, unit).clamp(1, LATEST / 2),
            started: Instant::now(),
            slots: (0..SLOTS / WAYS).map(|_| Default::default()).collect(),
            count: AtomicU64::new(0),
        }
    }

    /// The streams whose upkeep is due, of an append with these events.
    pub fn due<'a>(&self, streams: &Streams<'a>, events: &[StreamEvent]) -> Vec<Due<'a>> {
        let now = self.now();
        // XADD may leave some events too many.
        let is_inexact = nearly(self.max_events) == "~";
        let mut due = Vec::new();
        for stream in streams.iter() {
            if self.is_due(stream.hash, now) {
                let is_plain = events[stream.first].task.is_none();
                due.push(Due {
                    stream: *stream,
                    in_event: is_inexact && is_plain && !self.one_in_eight(),
                });
            }
        }
        due
    }

    /// Adds the commands for these streams, and returns their hashes. `now` is Redis's
    /// time in milliseconds.
    pub fn add(&self, commands: &mut Commands, keys: &Keys, due: &[Due], now: u64) -> KeptUp {
        let (mut oldest, mut expiry) = ([0; 20], [0; 20]);
        let oldest = self.oldest(&mut oldest, now);
        let expiry = decimal(&mut expiry, millis(self.expiry));
        let mut kept_up = Vec::with_capacity(due.len());
        for Due { stream, in_event } in due {
            let key = keys.stream_parts(stream.kind, stream.name);
            if !in_event {
                commands.begin(4);
                commands.word(b"XTRIM");
                commands.parts(&key);
                commands.word(b"MINID");
                commands.word(oldest);
            }
            commands.begin(3);
            commands.word(b"PEXPIRE");
            commands.parts(&key);
            commands.word(expiry);
            kept_up.push(stream.hash);
        }
        kept_up
    }

    /// The lowest id that is kept, as a word, when Redis's time is `now`.
    pub fn oldest<'d>(&self, digits: &'d mut [u8; 20], now: u64) -> &'d [u8] {
        decimal(digits, now.saturating_sub(millis(self.max_age)))
    }

    fn is_due(&self, hash: u64, now: u64) -> bool {
        !self.slots[set_of(hash)].iter().any(|slot| {
            let slot = slot.load(Ordering::Relaxed);
            slot >> TIME == hash >> TIME && slot & LATEST > now
        })
    }

    /// Records that the store did the upkeep.
    pub fn done(&self, kept_up: &KeptUp) {
        let until = (self.now() + self.period).min(LATEST);
        for hash in kept_up {
            let set = &self.slots[set_of(*hash)];
            let known = set.each_ref().map(|slot| slot.load(Ordering::Relaxed));
            let own = known.iter().position(|slot| slot >> TIME == hash >> TIME);
            let soonest = || (0..WAYS).min_by_key(|way| known[*way] & LATEST);
            if let Some(way) = own.or_else(soonest) {
                set[way].store(hash >> TIME << TIME | until, Ordering::Relaxed);
            }
        }
    }

    /// Units since the table was new, from 1: an empty slot is over.
    fn now(&self) -> u64 {
        (units(self.started.elapsed(), self.unit) + 1).min(LATEST)
    }

    /// Multiples of the golden ratio are spread evenly, whatever order streams come in.
    fn one_in_eight(&self) -> bool {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        count.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61 == 0
    }
}

impl Due<'_> {
    /// The index of the event whose XADD trims by age.
    pub fn event(&self) -> Option<usize> {
        self.in_event.then_some(self.stream.first)
    }
}

/// The bits of the hash that are in each slot are not those that choose the set.
fn set_of(hash: u64) -> usize {
    hash as usize % (SLOTS / WAYS)
}

fn units(time: Duration, unit: Duration) -> u64 {
    u64::try_from(time.as_nanos() / unit.as_nanos()).unwrap_or(LATEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::StreamKind;
    use crate::store::redis::streams::Distinct;
    use crate::store::redis::streams::tests::event;
    const DAY: Duration = Duration::from_secs(86_400);

    fn upkeep(max_events: u64) -> Upkeep {
        Upkeep::new(Retention {
            max_events,
            max_age: DAY,
            idle_expiry: 3 * DAY,
        })
    }

    fn distinct() -> Distinct {
        Distinct::new(RandomState::new())
    }

    /// The upkeep that is due for the streams of these names, each done at once: how
    /// many streams, and how many of them in an XTRIM of their own.
    fn kept_up(upkeep: &Upkeep, distinct: &mut Distinct, names: &[String]) -> (usize, usize) {
        let (mut due, mut alone) = (0, 0);
        for names in names.chunks(512) {
            let events: Vec<_> = { names.iter() }
                .map(|name| event(StreamKind::Client, name))
                .collect();
            let found = upkeep.due(&distinct.of(&events), &events);
            alone += found.iter().filter(|due| due.event().is_none()).count();
            due += found.len();
            let hashes = found.iter().map(|due| due.stream.hash).collect();
            upkeep.done(&hashes);
        }
        (due, alone)
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("client-{n}")).collect()
    }

    #[test]
    fn a_stream_is_kept_up_once_in_an_eighth_of_the_shorter_time() {
        let (mut upkeep, mut distinct, names) = (upkeep(1000), distinct(), names(100));
        assert_eq!(kept_up(&upkeep, &mut distinct, &names).0, 100);
        for (later, due) in [(0, 0), (DAY.as_secs() / 8 - 300, 0), (301, 100), (1, 0)] {
            upkeep.started -= Duration::from_secs(later);
            assert_eq!(kept_up(&upkeep, &mut distinct, &names).0, due, "{later}");
        }
    }

    #[test]
    fn a_hundred_thousand_streams_have_a_slot_each() {
        let (upkeep, mut distinct, names) = (upkeep(1000), distinct(), names(100_000));
        assert_eq!(kept_up(&upkeep, &mut distinct, &names).0, 100_000);
        let again = kept_up(&upkeep, &mut distinct, &names).0;
        assert!(again < 10_000, "{again}");
    }

    #[test]
    fn one_in_eight_still_trims_by_number_and_all_do_where_it_is_exact() {
        let (mut distinct, names) = (distinct(), names(8000));
        let (due, alone) = kept_up(&upkeep(1000), &mut distinct, &names);
        assert_eq!(due, 8000);
        assert!((800..1200).contains(&alone), "{alone}");
        let exact = kept_up(&upkeep(10), &mut distinct, &names);
        assert_eq!(exact, (8000, 8000));
    }

    #[test]
    fn all_is_due_when_times_are_too_large() {
        let (mut upkeep, mut distinct, names) = (upkeep(1000), distinct(), names(10));
        upkeep.started -= upkeep.unit * (LATEST - upkeep.period) as u32;
        assert_eq!(kept_up(&upkeep, &mut distinct, &names).0, 10);
        assert_eq!(kept_up(&upkeep, &mut distinct, &names).0, 0);
        upkeep.started -= upkeep.unit * upkeep.period as u32;
        for _ in 0..2 {
            assert_eq!(kept_up(&upkeep, &mut distinct, &names).0, 10);
        }
    }
}
