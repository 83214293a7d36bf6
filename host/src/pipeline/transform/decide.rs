//! Decides, from a batch's failures and the policy's verdicts, how far it is stored,
//! what is sent, and what is retried. Has no side effects.

use super::verdicts::Verdict;
use crate::pipeline::commit::produces::Kind;
use crate::pipeline::partition::remaining::{Remaining, most_after, pace_after};
use crate::plugin::{End, Made, Routed};
use crate::record::{Batch, Failure, Outgoing};
use std::time::Duration;

/// The decision about a batch.
pub(in crate::pipeline) struct Decision {
    /// The index after the last record that is decided.
    pub end: usize,
    /// How often the record there was tried, if it is retried.
    pub attempts: u32,
    /// Records that go to Kafka for the failures.
    pub letters: Vec<(Kind, Outgoing)>,
    /// What to do next.
    pub next: Next,
}

/// What to do after the decided records.
pub(in crate::pipeline) enum Next {
    /// Read the next batch.
    Read,
    /// Process these records, after a delay.
    Retry(Duration, Remaining),
    /// Halt the partition, for this reason.
    Halt(String),
}

/// Decides. `made` is how far the plugins got and why they ended. There may be fewer
/// `verdicts` than `failures`; `ended` is why.
pub(in crate::pipeline) fn decide(
    remaining: &Remaining,
    made: (usize, &End),
    failures: &[Failure],
    verdicts: impl ExactSizeIterator<Item = Verdict>,
    ended: &End,
) -> Decision {
    // The first failure without a verdict waits, with all records after it.
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
                    // Its schema may be there then.
                    decoded: None,
                    ..remaining.after(failure.record as usize).anew()
                };
                (failure.attempts, Next::Retry(delay, again))
            }
            Verdict::Halt => (0, Next::Halt(halted_by(&remaining.batch, failure, AGAIN))),
        };
        return Decision {
            end: failure.record as usize,
            attempts,
            letters,
            next,
        };
    }
    // The rest of a cut batch comes next.
    let is_cut = end < remaining.batch.records.len();
    let rest = || Remaining {
        pace: pace_after(ended, end - remaining.from),
        most: most_after(ended, end - remaining.from, remaining.most),
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

/// What a halt waits for where the record is tried again.
pub(in crate::pipeline) const AGAIN: &str = "save another plugin to retry the record";

/// Why the partition halts, for an operator; `next` says what ends the halt.
pub(in crate::pipeline) fn halted_by(batch: &Batch, failure: &Failure, next: &str) -> String {
    let offset = batch.records[failure.record as usize].offset;
    let (class, why) = (failure.class.name(), &failure.message);
    format!("the dead-letter policy halted it at offset {offset} ({class}: {why}); {next}")
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
