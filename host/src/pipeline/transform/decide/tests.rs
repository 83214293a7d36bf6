use super::*;
use crate::pipeline::commit::oversize::Omission;
use crate::record::{Class, Stage, TopicPartition};
use std::sync::Arc;

const RECORDS: usize = 10;
/// How often the first record was tried before.
const TRIED: u32 = 2;

fn batch() -> Arc<Batch> {
    let mut batch = Batch::new(TopicPartition {
        topic: "t".into(),
        partition: 0,
    });
    for offset in 0..RECORDS as i64 {
        batch.push(100 + offset, 0, None, Some(b"v"), std::iter::empty());
    }
    Arc::new(batch)
}

/// From the third record on.
fn remaining() -> Remaining {
    Remaining {
        decoded: None,
        most: usize::MAX,
        batch: batch(),
        from: 3,
        attempts: TRIED,
        pace: 4,
        trial: Default::default(),
    }
}

fn failure(record: u32) -> Failure {
    let mut failure = Failure::new(record, Stage::Transform, Class::Rejected, "bad");
    failure.attempts = if record == 3 { TRIED + 1 } else { 1 };
    failure
}

fn letter(record: u32) -> Verdict {
    let outgoing = Outgoing {
        topic: format!("to {record}"),
        key: None,
        value: None,
        headers: Vec::new(),
    };
    Verdict::Letter(Kind::DeadLetter(failure(record), Omission::of(0)), outgoing)
}

fn retry() -> Verdict {
    Verdict::Retry(Duration::from_secs(7))
}

/// A short form of [`Next`].
#[derive(Debug, PartialEq)]
enum Then {
    Read,
    /// Delay in seconds, first record, attempts, and pace.
    Retry(u64, usize, u32, usize),
    Halt,
}

/// The end of the decided records, the attempts there, the records of letters, and
/// what comes next.
type Decided = (usize, u32, Vec<u32>, Then);

/// The plugins got to `made`; the policy decided about `failed`.
#[track_caller]
fn check(
    made: (usize, &End),
    failed: &[u32],
    verdicts: Vec<Verdict>,
    ended: &End,
    expected: &Decided,
) {
    let failures: Vec<Failure> = failed.iter().copied().map(failure).collect();
    let decided = decide(&remaining(), made, &failures, verdicts.into_iter(), ended);
    let to = |(_, outgoing): &(Kind, Outgoing)| outgoing.topic[3..].parse().unwrap();
    let then = match decided.next {
        Next::Read => Then::Read,
        Next::Retry(delay, again) => {
            Then::Retry(delay.as_secs(), again.from, again.attempts, again.pace)
        }
        Next::Halt(why) => {
            assert!(why.contains("(rejected: bad)"), "{why}");
            Then::Halt
        }
    };
    let letters = decided.letters.iter().map(to).collect();
    assert_eq!((decided.end, decided.attempts, letters, then), *expected);
}

#[test]
fn without_failures_the_whole_batch_is_decided_and_the_next_one_is_read() {
    let whole = (RECORDS, &End::Whole);
    check(
        whole,
        &[],
        vec![],
        &End::Whole,
        &(RECORDS, 0, vec![], Then::Read),
    );
}

#[test]
fn letters_are_sent_and_dropped_records_are_passed() {
    let verdicts = vec![letter(4), Verdict::Drop, letter(8)];
    let expected = (RECORDS, 0, vec![4, 8], Then::Read);
    check(
        (RECORDS, &End::Whole),
        &[4, 6, 8],
        verdicts,
        &End::Whole,
        &expected,
    );
}

#[test]
fn a_retry_cuts_the_batch_before_its_record() {
    let verdicts = vec![letter(4), retry(), letter(8)];
    let expected = (6, 1, vec![4], Then::Retry(7, 6, 1, usize::MAX));
    check(
        (RECORDS, &End::Whole),
        &[4, 6, 8],
        verdicts,
        &End::Whole,
        &expected,
    );
    // The attempts of the first record continue to count.
    let expected = (
        3,
        TRIED + 1,
        vec![],
        Then::Retry(7, 3, TRIED + 1, usize::MAX),
    );
    check(
        (RECORDS, &End::Whole),
        &[3],
        vec![retry()],
        &End::Whole,
        &expected,
    );
}

#[test]
fn a_halt_cuts_the_batch_before_its_record() {
    let verdicts = vec![letter(4), Verdict::Halt, letter(8)];
    let expected = (6, 0, vec![4], Then::Halt);
    check(
        (RECORDS, &End::Whole),
        &[4, 6, 8],
        verdicts,
        &End::Whole,
        &expected,
    );
}

#[test]
fn records_that_the_plugins_did_not_reach_come_next() {
    for (ended, pace) in [(End::Spent, 1), (End::Full, 4), (End::Whole, usize::MAX)] {
        let expected = (7, 0, vec![4], Then::Retry(0, 7, 0, pace));
        check((7, &ended), &[4], vec![letter(4)], &End::Whole, &expected);
    }
    // Nothing was decided: the first record keeps its count.
    let expected = (3, 0, vec![], Then::Retry(0, 3, TRIED, 1));
    check((3, &End::Spent), &[], vec![], &End::Whole, &expected);
}

#[test]
fn failures_that_the_policy_did_not_reach_come_next_with_all_records_after_them() {
    let expected = (6, 0, vec![4], Then::Retry(0, 6, 0, 1));
    check(
        (RECORDS, &End::Whole),
        &[4, 6, 8],
        vec![letter(4)],
        &End::Spent,
        &expected,
    );
}
