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
    Order::Seek {
        offset,
        attempts,
        session,
    }
}

#[test]
fn a_rewind_is_told_once_and_makes_batches_in_hand_stale() {
    let partition = partition();
    assert_eq!(partition.order(), Order::Read);
    assert!(partition.wants(0));
    partition.rewind(7, 2);
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
    partition.plugins_changed(5);
    assert_eq!(partition.order(), seek(5, 0, 1));
    assert_eq!(partition.halted(), None);
}

#[test]
fn after_a_halt_it_continues_at_the_offset_that_was_set_before_or_meanwhile() {
    for before in [true, false] {
        let partition = partition();
        if before {
            partition.rewind(3, 1);
        }
        partition.halt("why".into(), Until::Swapped);
        if !before {
            partition.rewind(3, 1);
        }
        assert_eq!(partition.order(), Order::Wait);
        partition.plugins_changed(5);
        assert_eq!(partition.order(), seek(3, 0, 2));
    }
}

#[test]
fn a_halt_for_an_operator_outlasts_other_plugins() {
    let partition = partition();
    partition.halt("why".into(), Until::Mended);
    partition.plugins_changed(5);
    assert_eq!(partition.order(), Order::Wait);
}

#[test]
fn a_partition_to_be_reopened_is_not_halted_rewound_or_resumed() {
    let partition = partition();
    partition.reopen();
    partition.halt("why".into(), Until::Swapped);
    partition.rewind(3, 0);
    partition.plugins_changed(5);
    assert!(partition.needs_reopening());
    assert_eq!((partition.order(), partition.halted()), (Order::Wait, None));
    assert!(!partition.wants(0), "what is in hand is stale");
}

#[test]
fn a_closing_partition_finishes_what_is_in_hand_and_takes_no_more() {
    let partition = partition();
    let batch = partition.take_in_hand(1).expect("it is open");
    assert!(
        partition.take_in_hand(1).is_none(),
        "it has as many as it may"
    );
    partition.close();
    assert!(partition.take_in_hand(9).is_none());
    assert!(partition.wants(0), "what is in hand is stored");
    partition.rewind(3, 0);
    assert_eq!(partition.order(), Order::Wait, "and nothing is read again");
    assert!(!partition.finished_by(Instant::now()));
    drop(batch);
    assert!(partition.finished_by(Instant::now()));
    partition.abandon();
    assert!(partition.is_gone());
    partition.close();
    assert!(partition.is_gone(), "for good");
}

#[test]
fn a_revocation_is_woken_when_the_last_batch_and_the_feed_are_released() {
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
fn only_where_nothing_is_under_way_is_it_known_what_is_stored() {
    let partition = partition();
    assert_eq!(partition.settled_at(), None, "no worker has taken it");
    partition.set_done(4);
    assert_eq!(partition.settled_at(), Some(4));
    let batch = partition.take_in_hand(3);
    assert_eq!(partition.settled_at(), None);
    drop(batch);
    partition.rewind(2, 0);
    assert_eq!(partition.settled_at(), None);
    assert_eq!(partition.commit().map(|commit| commit.next), Some(4));
}
