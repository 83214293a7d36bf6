//! A turn: calls into a plugin within a budget, and the search for the record
//! that breaks one.
//!
//! A batch is one call. When that fails, its halves share one further budget of
//! the whole batch; when that is spent, the turn ends with what is decided, and
//! others get theirs. A record is blamed only for a call of its own, with all
//! the time that such a call has, in an instance that nothing else was done in.

use super::guest::CallError;
use super::limits::thread_cpu_time;
use super::slot::{Broken, By};
use std::ops::Range;
use std::time::Duration;

/// How a turn begins, and who may end it.
pub struct Turn<'a> {
    /// How many records the first call may have. Short of all of them where the
    /// turn before found out that they are too many.
    pub pace: usize,
    /// Asked between calls of a search: false drops the turn.
    pub wanted: &'a dyn Fn() -> bool,
}

impl Default for Turn<'_> {
    /// All records at once, to the end.
    fn default() -> Self {
        Turn {
            pace: usize::MAX,
            wanted: &|| true,
        }
    }
}

/// How a turn ended.
#[derive(Debug, Default)]
pub enum End {
    /// Every record is decided.
    #[default]
    Whole,
    /// Its time is spent; at least one record is decided.
    Spent,
    /// What was made of the records is as much as may be held at once.
    Full,
    /// It is not wanted any more.
    Dropped,
    /// No instance can be made, which is no record's fault.
    NoInstance(CallError),
}

/// The calls that a search makes. Units are what can be blamed: records.
pub(super) trait Calls {
    /// CPU time of a call with these units.
    fn budget(&self, units: &Range<usize>) -> Duration;

    /// Calls the plugin with these units and keeps what it made of them; up to
    /// which one, where it is more than may be held.
    fn call(&mut self, units: Range<usize>, cpu: Duration) -> Result<usize, Broken>;

    /// Whether there is room for so little more that it is no use to call.
    fn is_full(&self) -> bool;

    /// This one unit breaks the plugin.
    fn blame(&mut self, unit: usize, error: CallError);
}

/// Sends `units` through the plugin, in order. Answers up to which one they are
/// decided.
pub(super) fn search(calls: &mut impl Calls, units: Range<usize>, turn: &Turn<'_>) -> (usize, End) {
    let mut search = Search {
        open: vec![units.clone()],
        pace: turn.pace.max(1),
        deadline: None,
        first: units.start,
        further: calls.budget(&units),
    };
    if turn.pace < units.len() {
        search.limit();
    }
    while let Some(range) = search.next() {
        if let Some(end) = search.is_over(&range, turn) {
            return (range.start, end);
        }
        if calls.is_full() && range.start > units.start {
            return (range.start, End::Full);
        }
        let cpu = search.allowance(calls.budget(&range), range.len());
        match calls.call(range.clone(), cpu) {
            Ok(kept) if kept < range.end => return (kept, End::Full),
            Ok(_) => search.pace = search.pace.saturating_mul(2),
            Err(Broken {
                error,
                by: By::Nothing,
            }) => {
                return (range.start, End::NoInstance(error));
            }
            Err(broken) => {
                search.limit();
                search.narrow(calls, range, broken);
            }
        }
    }
    (units.end, End::Whole)
}

struct Search {
    /// What is still to do, the next one last. No recursion: a plugin may panic
    /// on each of ten thousand records.
    open: Vec<Range<usize>>,
    /// How many units the next call may have.
    pace: usize,
    /// The thread's CPU time at which the turn is spent; none before a call
    /// failed.
    deadline: Option<Duration>,
    /// The turn's first unit.
    first: usize,
    /// What halves have together.
    further: Duration,
}

impl Search {
    fn limit(&mut self) {
        let further = self.further;
        self.deadline
            .get_or_insert_with(|| thread_cpu_time().saturating_add(further));
    }

    /// What is left of the turn's time; `None` where nothing failed yet.
    fn left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_sub(thread_cpu_time()))
    }

    fn is_spent(&self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// The next units to call with.
    fn next(&mut self) -> Option<Range<usize>> {
        let range = self.open.pop()?;
        // A turn whose time is spent has one record left to decide, if any.
        let most = if self.is_spent() { 1 } else { self.pace };
        if range.len() <= most {
            return Some(range);
        }
        let cut = range.start + most;
        self.open.push(cut..range.end);
        Some(range.start..cut)
    }

    fn is_over(&self, range: &Range<usize>, turn: &Turn<'_>) -> Option<End> {
        self.deadline?;
        if !(turn.wanted)() {
            return Some(End::Dropped);
        }
        (self.is_spent() && range.start > self.first).then_some(End::Spent)
    }

    /// A call of one unit has all its time, whatever is left.
    fn allowance(&self, full: Duration, units: usize) -> Duration {
        match self.left() {
            Some(left) if units > 1 => full.min(left),
            _ => full,
        }
    }

    /// After a failed call: the unit that broke it is blamed, or looked for in
    /// smaller ranges.
    fn narrow(&mut self, calls: &mut impl Calls, range: Range<usize>, broken: Broken) {
        let Range { start, end } = range;
        let named = broken.error.culprit.map(|unit| start + unit as usize);
        match named.filter(|at| (start..end).contains(at)) {
            _ if end - start == 1 && broken.by == By::Fresh => calls.blame(start, broken.error),
            // What was done before in that instance may have broken it.
            _ if end - start == 1 => self.open.push(range),
            Some(at) => self.push([start..at, at..at + 1, at + 1..end]),
            None => {
                let middle = start + (end - start) / 2;
                self.push([start..middle, middle..end, end..end]);
            }
        }
    }

    fn push(&mut self, ranges: [Range<usize>; 3]) {
        let ranges = ranges.into_iter().rev();
        self.open.extend(ranges.filter(|range| !range.is_empty()));
    }
}

#[cfg(test)]
mod tests;
