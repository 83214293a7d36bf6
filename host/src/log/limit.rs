//! Limits how often each kind of warning or error is written.
//!
//! A kind is a place in the code plus the few fields that have few values
//! ([`KINDS_BY`]). Lines that are left out are counted, and the count is logged.

use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// How many lines of a kind may come at once.
const BURST: u32 = 20;
/// After that, one line in this time, and one with the number of lines left out.
pub const EVERY: Duration = Duration::from_secs(5);
/// The target of lines that plugins log: limited at every level, by a pace of their
/// own.
pub const PLUGINS: &str = "plugin";
const OF_PLUGINS: Pace = Pace {
    burst: 100,
    every: Duration::from_millis(100),
};
const OF_OURS: Pace = Pace {
    burst: BURST,
    every: EVERY,
};
/// The most kinds that are distinguished. Beyond that only the place in the code counts.
const MOST: usize = 1024;
/// The fields that distinguish kinds. None of them may change with each record.
const KINDS_BY: [&str; 6] = [
    "pipeline", "class", "stage", "plugin", "listener", "facility",
];

/// A layer that lets lines through at a bounded rate. Clones share it.
#[derive(Clone, Default)]
pub struct Limit(Arc<Mutex<HashMap<Kind, Rate>>>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    place: Identifier,
    fields: String,
}

/// How many lines may come at once, and then one in which time.
#[derive(Clone, Copy)]
struct Pace {
    burst: u32,
    every: Duration,
}

/// When the next line of a kind is due (GCRA), and which lines were left out.
struct Rate {
    due: Instant,
    left_out: u64,
    since: Instant,
    /// The last line that was left out.
    last: String,
}

/// Lines that were left out.
#[derive(Debug, PartialEq, Eq)]
struct LeftOut {
    count: u64,
    last: String,
}

impl Limit {
    /// Starts the thread that logs what was left out.
    ///
    /// # Errors
    /// If the thread can't be started.
    pub fn start() -> std::io::Result<Limit> {
        let limit = Limit::default();
        let told = limit.clone();
        let tell = move || {
            loop {
                std::thread::sleep(EVERY / 10);
                for LeftOut { count, last } in told.left_out(Instant::now()) {
                    tracing::warn!(count, last, "similar log lines left out");
                }
            }
        };
        std::thread::Builder::new().name("log".into()).spawn(tell)?;
        Ok(limit)
    }

    fn kinds(&self) -> MutexGuard<'_, HashMap<Kind, Rate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a line is written. Otherwise it is counted with its `words`.
    fn admits(
        &self,
        mut kind: Kind,
        pace: Pace,
        words: impl FnOnce() -> String,
        now: Instant,
    ) -> bool {
        let mut kinds = self.kinds();
        if kinds.len() >= MOST && !kinds.contains_key(&kind) {
            kinds.retain(|_, rate| rate.left_out > 0 || rate.due > now);
            if kinds.len() >= MOST {
                kind.fields.clear();
            }
        }
        let rate = kinds.entry(kind).or_insert_with(|| Rate::new(now));
        if rate.admits(pace, now) {
            return true;
        }
        if rate.left_out == 0 {
            rate.since = now;
        }
        rate.left_out += 1;
        rate.last = words();
        false
    }

    /// What is to be logged now.
    fn left_out(&self, now: Instant) -> Vec<LeftOut> {
        let mut kinds = self.kinds();
        let due = |rate: &&mut Rate| rate.left_out > 0 && now >= rate.since + EVERY;
        let take = |rate: &mut Rate| LeftOut {
            count: std::mem::take(&mut rate.left_out),
            last: std::mem::take(&mut rate.last),
        };
        kinds.values_mut().filter(due).map(take).collect()
    }
}

impl Rate {
    fn new(now: Instant) -> Rate {
        let (left_out, last) = (0, String::new());
        Rate {
            due: now,
            left_out,
            since: now,
            last,
        }
    }

    fn admits(&mut self, Pace { burst, every }: Pace, now: Instant) -> bool {
        let due = self.due.max(now);
        let admits = due < now + every * burst;
        if admits {
            self.due = due + every;
        }
        admits
    }
}

impl<S: Subscriber> Layer<S> for Limit {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        let pace = match metadata.target() {
            PLUGINS => OF_PLUGINS,
            // The lines about what was left out are never left out themselves.
            module_path!() => return true,
            _ if *metadata.level() > Level::WARN => return true,
            _ => OF_OURS,
        };
        let kind = Kind {
            place: metadata.callsite(),
            fields: words(event, |name| KINDS_BY.contains(&name)),
        };
        self.admits(kind, pace, || words(event, |_| true), Instant::now())
    }
}

/// The chosen fields of an event as text, cut.
fn words(event: &Event<'_>, of: fn(&str) -> bool) -> String {
    let mut words = Words {
        text: String::new(),
        of,
    };
    event.record(&mut words);
    super::Short(words.text.trim_end()).to_string()
}

struct Words {
    text: String,
    of: fn(&str) -> bool,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let name = field.name();
        // Writing to a string does not fail.
        let _ = match name {
            name if !(self.of)(name) => Ok(()),
            "message" => write!(self.text, "{value:?} "),
            name => write!(self.text, "{name}={value:?} "),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(fields: &str) -> Kind {
        Kind {
            place: place(),
            fields: fields.into(),
        }
    }

    /// Some place in the code.
    fn place() -> Identifier {
        struct Here;
        impl tracing::callsite::Callsite for Here {
            fn set_interest(&self, _: tracing::subscriber::Interest) {}
            fn metadata(&self) -> &tracing::Metadata<'_> {
                unreachable!("nobody asks")
            }
        }
        static HERE: Here = Here;
        Identifier(&HERE)
    }

    fn written(limit: &Limit, fields: &str, lines: u32, now: Instant) -> u32 {
        let line = |n: u32| limit.admits(kind(fields), OF_OURS, || format!("line {n}"), now);
        (0..lines).filter(|n| line(*n)).count() as u32
    }

    #[test]
    fn three_thousand_equal_failures_make_a_few_lines_and_a_count() {
        let (limit, now) = (Limit::default(), Instant::now());
        assert_eq!(written(&limit, "", 3000, now), BURST);
        assert!(limit.left_out(now).is_empty(), "more may come");
        let (count, last) = (2980, "line 2999".to_string());
        assert_eq!(limit.left_out(now + EVERY), [LeftOut { count, last }]);
        assert!(limit.left_out(now + EVERY * 2).is_empty(), "reported once");
        assert_eq!(
            written(&limit, "", 3000, now + EVERY),
            1,
            "and one in a while"
        );
        assert_eq!(written(&limit, "", 3000, now + EVERY * 100), BURST);
    }

    #[test]
    fn one_kind_of_line_leaves_room_for_another() {
        let (limit, now) = (Limit::default(), Instant::now());
        assert_eq!(written(&limit, "class=trap", 100, now), BURST);
        assert_eq!(written(&limit, "class=malformed", 100, now), BURST);
    }

    #[test]
    fn the_number_of_kinds_is_bounded() {
        let (limit, now) = (Limit::default(), Instant::now());
        let each = |n: usize| written(&limit, &format!("plugin={n}"), 1, now) as usize;
        assert_eq!(
            (0..5 * MOST).map(each).sum::<usize>(),
            MOST + BURST as usize
        );
        assert_eq!(limit.kinds().len(), MOST + 1);
        let later = now + EVERY * 2;
        limit.left_out(later);
        assert_eq!(written(&limit, "new", 1, later), 1);
        assert_eq!(limit.kinds().len(), 1 + 1, "idle kinds are forgotten");
    }
}
