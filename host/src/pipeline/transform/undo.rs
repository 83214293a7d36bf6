//! What happens to a batch whose record fails after it wrote values.

use crate::plugin::{End, Made, Routed};
use crate::record::{Batch, Failure};
use std::collections::{BTreeMap, HashSet};

/// Makes records fail that are known to fail, with all of their events: those from index
/// `first` on, since the others are decided.
pub(super) fn fail(
    batch: &Batch,
    first: usize,
    made: &Made,
    routed: &mut Routed,
    failing: &BTreeMap<i64, Failure>,
) {
    for (offset, failure) in failing {
        let seen = &batch.records[first..made.end];
        let Ok(found) = seen.binary_search_by_key(offset, |record| record.offset) else {
            continue;
        };
        let record = (first + found) as u32;
        let failed = made.failures.iter().chain(&routed.failures);
        if failed.into_iter().any(|failure| failure.record == record) {
            continue;
        }
        for (event, decision) in made.events.list.iter().zip(&mut routed.decisions) {
            if event.record == record {
                *decision = None;
            }
        }
        let failure = Failure {
            record,
            ..failure.clone()
        };
        let at = routed
            .failures
            .partition_point(|failure| failure.record < record);
        routed.failures.insert(at, failure);
    }
}

/// If a record failed that had written values, undoes that, and leaves the records
/// after it, which saw its values, for the next turn.
pub(super) fn undo(made: &mut Made, routed: &mut Routed) {
    if made.writes.is_empty() {
        return;
    }
    let wrote: HashSet<u32> = made.writes.iter().map(|write| write.record).collect();
    let failed = made.failures.iter().chain(&routed.failures);
    let failed = failed.map(|failure| failure.record);
    let Some(first) = failed.filter(|record| wrote.contains(record)).min() else {
        return;
    };
    made.end = first as usize + 1;
    made.ended = End::Undone;
    made.cut(made.end);
    made.writes.retain(|write| write.record < first);
    routed.decisions.truncate(made.events.list.len());
    routed.failures.retain(|failure| failure.record <= first);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Class, Event, Span, Stage, StateWrite, StreamKind, TopicPartition};

    fn batch(records: i64) -> Batch {
        let mut batch = Batch::new(TopicPartition {
            topic: "t".into(),
            partition: 0,
        });
        for offset in 0..records {
            batch.push(10 + offset, -1, None, None, std::iter::empty());
        }
        batch
    }

    fn failure(record: u32) -> Failure {
        Failure::new(record, Stage::Store, Class::StoreRefused, "why")
    }

    /// Each of the records has an event, and these have written.
    fn made(records: std::ops::Range<u32>, wrote: &[u32]) -> (Made, Routed) {
        let event = |record| Event {
            record,
            n: 0,
            to: StreamKind::Client,
            name: Span::ABSENT,
            kind: Span::ABSENT,
            payload: Span::ABSENT,
            task: None,
        };
        let mut made = Made {
            end: records.end as usize,
            ..Made::default()
        };
        made.events.list = records.clone().map(event).collect();
        let write = |record: &u32| StateWrite {
            record: *record,
            key: "k".into(),
            value: None,
        };
        made.writes = wrote.iter().map(write).collect();
        let routed = Routed {
            decisions: records.map(|_| None).collect(),
            ..Routed::default()
        };
        (made, routed)
    }

    fn records(failures: &[Failure]) -> Vec<u32> {
        failures.iter().map(|failure| failure.record).collect()
    }

    #[test]
    fn a_record_that_is_known_to_fail_fails_in_its_own_turn_only() {
        let failing = BTreeMap::from([(12, failure(0))]);
        let (made_first, mut routed) = made(0..4, &[]);
        fail(&batch(6), 0, &made_first, &mut routed, &failing);
        assert_eq!(records(&routed.failures), [2]);
        // The next part of the batch begins behind it.
        let (made_next, mut routed) = made(3..6, &[]);
        fail(&batch(6), 3, &made_next, &mut routed, &failing);
        assert_eq!(records(&routed.failures), [0; 0]);
        // One that fails by itself has its own reason.
        let (mut failed, mut routed) = made(0..4, &[]);
        failed.failures = vec![failure(2)];
        fail(&batch(6), 0, &failed, &mut routed, &failing);
        assert_eq!(records(&routed.failures), [0; 0]);
    }

    #[test]
    fn what_came_after_a_failed_write_is_left_for_the_next_turn() {
        let (mut one, mut routed) = made(0..6, &[1, 3, 4]);
        one.failures = vec![failure(0), failure(5)];
        routed.failures = vec![failure(3)];
        undo(&mut one, &mut routed);
        assert!(matches!(one.ended, End::Undone));
        assert_eq!((one.end, one.events.list.len()), (4, 4));
        assert_eq!(routed.decisions.len(), 4);
        assert_eq!(records(&one.failures), [0]);
        assert_eq!(records(&routed.failures), [3]);
        let wrote: Vec<u32> = one.writes.iter().map(|write| write.record).collect();
        assert_eq!(wrote, [1]);
    }

    #[test]
    fn a_failure_without_writes_changes_nothing() {
        let (mut one, mut routed) = made(0..6, &[1, 3]);
        one.failures = vec![failure(2)];
        undo(&mut one, &mut routed);
        assert_eq!((one.end, one.writes.len()), (6, 2));
    }
}
