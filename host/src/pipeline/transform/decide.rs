//! What is decided of a batch: from its failures and the policy's verdicts to
//! how far it is stored, what is sent, and what is tried again. It changes
//! nothing.

use super::verdicts::Verdict;
use crate::pipeline::commit::produces::Kind;
use crate::pipeline::partition::remaining::{Remaining, pace_after};
use crate::plugin::{End, Made, Routed};
use crate::record::{Batch, Failure, Outgoing};
use std::time::Duration;

/// What is decided.
pub(in crate::pipeline) struct Decision {
    /// The index after the last record that is decided.
    pub end: usize,
    /// How often the one there was tried, where it is tried again.
    pub attempts: u32,
    /// What goes to Kafka of the records that failed.
    pub letters: Vec<(Kind, Outgoing)>,
    /// What comes next.
    pub next: Next,
}

/// What comes after the records that are decided.
pub(in crate::pipeline) enum Next {
    /// The next batch.
    Read,
    /// These records, after a delay.
    Retry(Duration, Remaining),
    /// Nothing: the partition halts, and why.
    Halt(String),
}

/// Decides. `made` says up to which record the plugins got and why no further;
/// there may be fewer `verdicts` than `failures`, and `ended` says why.
pub(in crate::pipeline) fn decide(
    remaining: &Remaining,
    made: (usize, &End),
    failures: &[Failure],
    verdicts: impl ExactSizeIterator<Item = Verdict>,
    ended: &End,
) -> Decision {
    // What the policy did not get to waits, with all that comes after it.
    let (end, ended) = match failures.get(verdicts.len()) {
        Some(failure) => (failure.record as usize, ended),
        None => made,
    };
    let mut letters = Vec::new();
    for (failure, verdict) in failures.iter().zip(verdicts) {
        let (attempts, next) = match verdict {
            Verdict::Letter(kind, outgoing) => {
                letters.push((kind, outgoing));
                continue;
            }
            Verdict::Drop => continue,
            Verdict::Retry(delay) => {
                let again = Remaining {
                    attempts: failure.attempts,
                    ..remaining.after(failure.record as usize).anew()
                };
                (failure.attempts, Next::Retry(delay, again))
            }
            Verdict::Halt => (0, Next::Halt(halted_by(&remaining.batch, failure))),
        };
        return Decision {
            end: failure.record as usize,
            attempts,
            letters,
            next,
        };
    }
    // The rest of a batch that was cut comes next.
    let is_cut = end < remaining.batch.records.len();
    let rest = || Remaining {
        pace: pace_after(ended, end - remaining.from),
        ..remaining.after(end)
    };
    Decision {
        end,
        attempts: 0,
        letters,
        next: match is_cut {
            true => Next::Retry(Duration::ZERO, rest()),
            false => Next::Read,
        },
    }
}

fn halted_by(batch: &Batch, failure: &Failure) -> String {
    let offset = batch.records[failure.record as usize].offset;
    let (class, why) = (failure.class.name(), &failure.message);
    format!(
        "the dead-letter policy halted it at offset {offset} ({class}: {why}); \
         save another plugin to retry the record"
    )
}

/// All failures in the order of their records, with their attempts.
pub(in crate::pipeline) fn failures(
    made: &mut Made,
    routed: &Routed,
    from: usize,
    attempts: u32,
) -> Vec<Failure> {
    let mut failures = std::mem::take(&mut made.failures);
    failures.extend(routed.failures.iter().cloned());
    failures.sort_by_key(|failure| failure.record);
    if let Some(first) = failures.first_mut().filter(|f| f.record as usize == from) {
        first.attempts = attempts + 1;
    }
    failures
}

#[cfg(test)]
mod tests;
