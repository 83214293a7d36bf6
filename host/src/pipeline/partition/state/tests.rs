use super::*;
use crate::record::TopicPartition;
use std::time::Duration;

fn partition() -> Arc<PartitionState> {
    let partition = TopicPartition {
        topic: "t".into(),
        partition: 0,
    };
    let key = LedgerKey::new("g", partition);
    Arc::new(PartitionState::new(key, Identity::default()))
}

/// A seek to this offset, in this session.
fn seek(offset: i64, attempts: u32, session: u64) -> Order {
    let point = point(offset, attempts);
    Order::Seek { point, session }
}

fn point(next: i64, attempts: u32) -> Point {
    Point {
        next,
        attempts,
        clock: 7,
    }
}

#[test]
fn a_rewind_is_returned_once_and_makes_batches_in_progress_stale() {
    let partition = partition();
    assert_eq!(partition.order(), Order::Read);
    assert!(partition.wants(0));
    partition.rewind(point(7, 2));
    assert!(!partition.wants(0) && partition.wants(1));
    assert_eq!(partition.order(), seek(7, 2, 1));
    assert_eq!(partition.order(), Order::Read);
}

#[test]
fn a_halted_partition_reads_nothing_until_other_plugins_are_live() {
    let partition = partition();
    partition.halt("why".into(), Until::Swapped);
    assert_eq!(partition.order(), Order::Wait);
    assert_eq!(partition.halted().as_deref(), Some("why"));
    partition.plugins_changed();
    assert_eq!(partition.order(), Order::Resume);
    assert_eq!(partition.order(), Order::Read);
    assert_eq!(partition.halted(), None);
    assert!(partition.wants(0), "batches before the halt are stored");
}

#[test]
fn after_a_halt_a_partition_continues_at_an_offset_set_before_or_during_it() {
    for before in [true, false] {
        let partition = partition();
        if before {
            partition.rewind(point(3, 1));
        }
        partition.halt("why".into(), Until::Swapped);
        if !before {
            partition.rewind(point(3, 1));
        }
        assert_eq!(partition.order(), Order::Wait);
        partition.plugins_changed();
        assert_eq!(partition.order(), seek(3, 0, 1));
    }
}

#[test]
fn a_halt_for_an_operator_outlasts_other_plugins() {
    let partition = partition();
    partition.halt("why".into(), Until::Mended);
    partition.plugins_changed();
    assert_eq!(partition.order(), Order::Wait);
}

#[test]
fn a_partition_to_be_reopened_is_not_halted_rewound_or_resumed() {
    let partition = partition();
    partition.reopen();
    partition.halt("why".into(), Until::Swapped);
    partition.rewind(point(3, 0));
    partition.plugins_changed();
    assert!(partition.needs_reopening());
    assert_eq!((partition.order(), partition.halted()), (Order::Wait, None));
    assert!(!partition.wants(0), "batches in progress are stale");
}

#[test]
fn a_closing_partition_finishes_its_batches_and_takes_no_more() {
    let partition = partition();
    let batch = partition.take_in_hand(1).expect("it is open");
    assert!(partition.take_in_hand(1).is_none(), "it is at its limit");
    partition.close();
    assert!(partition.take_in_hand(9).is_none());
    assert!(partition.wants(0), "batches in progress are stored");
    partition.rewind(point(3, 0));
    assert_eq!(partition.order(), Order::Wait, "nothing is read again");
    assert!(!partition.finished_by(Instant::now()));
    drop(batch);
    assert!(partition.finished_by(Instant::now()));
    partition.abandon();
    assert!(partition.is_gone());
    partition.close();
    assert!(partition.is_gone(), "it stays revoked");
}

#[test]
fn a_revocation_wakes_when_the_last_batch_and_the_worker_release_the_partition() {
    let partition = partition();
    let held = partition.hold();
    let batches = [partition.take_in_hand(3), partition.take_in_hand(3)];
    let deadline = Instant::now() + Duration::from_secs(60);
    let waiting = partition.clone();
    let revocation = std::thread::spawn(move || {
        let finished = waiting.finished_by(deadline);
        (finished, waiting.released_by(deadline))
    });
    drop(batches);
    drop(held);
    assert_eq!(revocation.join().unwrap(), (true, true));
}

#[test]
fn the_settled_offset_is_known_only_while_the_partition_is_idle() {
    let partition = partition();
    assert_eq!(partition.settled_at(), None, "no worker has taken it");
    partition.set_done(4);
    assert_eq!(partition.settled_at(), Some(4));
    let batch = partition.take_in_hand(3);
    assert_eq!(partition.settled_at(), None);
    drop(batch);
    partition.rewind(point(2, 0));
    assert_eq!(partition.settled_at(), None);
    assert_eq!(partition.commit().map(|commit| commit.next), Some(4));
}

#[test]
fn a_record_that_fails_is_forgotten_when_it_is_stored_or_other_plugins_are_live() {
    use crate::record::{Class, Stage};
    let partition = partition();
    let failure = || Failure::new(0, Stage::Store, Class::StoreRefused, "why");
    partition.fail([(3, failure()), (7, failure())]);
    partition.set_done(7);
    assert_eq!(partition.failing().into_keys().collect::<Vec<_>>(), [7]);
    partition.plugins_changed();
    assert!(partition.failing().is_empty());
}
