//! A turn: calls into a plugin within a budget, and the search for the record
//! that breaks one.
//!
//! A batch is one call. If it fails, its halves share one more budget of the
//! whole batch. When that is spent, the turn ends with what is decided, and
//! other partitions have their turns. A record is blamed only for a call with
//! this record alone, with the full budget of such a call, in an instance that
//! has answered no other call.

use super::guest::CallError;
use super::limits::thread_cpu_time;
use super::slot::{Broken, By};
use std::ops::Range;
use std::time::Duration;

/// How a turn starts, and whether it goes on.
pub struct Turn<'a> {
    /// The most records of the first call. Fewer than all if the turn before
    /// found that they are too many.
    pub pace: usize,
    /// Called between the calls of a search; false drops the turn.
    pub wanted: &'a dyn Fn() -> bool,
}

impl Default for Turn<'_> {
    /// All records in one call, to the end.
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
    /// The time is spent; at least one record is decided.
    Spent,
    /// The results have the most bytes that may be held at once.
    Full,
    /// The turn is no longer wanted.
    Dropped,
    /// A record failed whose writes others had seen: they run again.
    Undone,
    /// No instance can be made; no record is to blame.
    NoInstance(CallError),
}

/// The calls of a search. A unit is what can be blamed: a record.
pub(super) trait Calls {
    /// CPU time of a call with these units.
    fn budget(&self, units: &Range<usize>) -> Duration;

    /// Calls the plugin with these units and keeps the results. Returns the end
    /// of what was kept, short of the range if the rest exceeds the room.
    fn call(&mut self, units: Range<usize>, cpu: Duration) -> Result<usize, Broken>;

    /// Whether too little room is left for another call.
    fn is_full(&self) -> bool;

    /// Blames this one unit for breaking the plugin.
    fn blame(&mut self, unit: usize, error: CallError);
}

/// Sends `units` through the plugin in order. Returns the end of the decided
/// ones.
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
            Err(Broken {
                by: By::Dropped, ..
            }) => return (range.start, End::Dropped),
            Err(broken) => {
                search.limit();
                search.narrow(calls, range, broken);
            }
        }
    }
    (units.end, End::Whole)
}

struct Search {
    /// The ranges to do, the next one last. No recursion: a plugin may panic on
    /// each of ten thousand records.
    open: Vec<Range<usize>>,
    /// The most units of the next call.
    pace: usize,
    /// The thread's CPU time at which the turn is spent; `None` until a call
    /// failed.
    deadline: Option<Duration>,
    /// The turn's first unit.
    first: usize,
    /// The budget that halves share.
    further: Duration,
}

impl Search {
    fn limit(&mut self) {
        let further = self.further;
        self.deadline
            .get_or_insert_with(|| thread_cpu_time().saturating_add(further));
    }

    /// The time left in the turn; `None` until a call failed.
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
        // When its time is spent, a turn decides one more record at most.
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

    /// A call of one unit has its full budget, whatever is left.
    fn allowance(&self, full: Duration, units: usize) -> Duration {
        match self.left() {
            Some(left) if units > 1 => full.min(left),
            _ => full,
        }
    }

    /// After a failed call: blames the unit that broke it, or continues with
    /// smaller ranges.
    fn narrow(&mut self, calls: &mut impl Calls, range: Range<usize>, broken: Broken) {
        let Range { start, end } = range;
        let named = broken.error.culprit.map(|unit| start + unit as usize);
        match named.filter(|at| (start..end).contains(at)) {
            _ if end - start == 1 && broken.by == By::Fresh => calls.blame(start, broken.error),
            // An earlier call in that instance may be the cause.
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
