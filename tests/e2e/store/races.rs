//! Two writers that do not know of each other.

use super::{append, append_then, at, both, key, moved, next_of, stored};
use millstream::store::{Appended, LedgerKey, Writer};
use std::sync::Barrier;

#[test]
fn the_first_ledger_start_wins() {
    both(|subject| {
        let (mut one, mut two) = (subject.writer(), subject.writer());
        assert_eq!(one.begin(&key(0), None, &at(5), false).unwrap(), at(5));
        assert_eq!(two.begin(&key(0), None, &at(7), false).unwrap(), at(5));
        assert_eq!(one.begin(&key(0), None, &at(9), false).unwrap(), at(5));
        // Also with the later value, but not with the earlier one.
        stored(append(&mut *two, &key(0), 5, &[("a", "1")]));
        assert_eq!(one.begin(&key(0), None, &at(9), false).unwrap().next, 6);
        for round in 1..50 {
            let barrier = Barrier::new(2);
            let begin = |writer: &mut Box<dyn Writer>, next| {
                barrier.wait();
                writer.begin(&key(round), None, &at(next), false).unwrap()
            };
            let (a, b) = std::thread::scope(|scope| {
                let other = scope.spawn(|| begin(&mut two, 2));
                (begin(&mut one, 1), other.join().unwrap())
            });
            assert_eq!(a, b, "both got the same answer");
            assert_eq!(one.ledger(&key(round)).unwrap(), Some(a));
        }
    });
}

#[test]
fn a_ledger_is_reset_only_if_it_is_unchanged_since_it_was_read() {
    both(|subject| {
        let (mut one, mut two) = (subject.writer(), subject.writer());
        one.begin(&key(0), None, &at(5), false).unwrap();
        stored(append(&mut *two, &key(0), 5, &[("a", "1")]));
        assert_eq!(one.begin(&key(0), Some(5), &at(50), false).unwrap().next, 6);
        assert_eq!(one.begin(&key(0), Some(6), &at(50), false).unwrap(), at(50));
        assert_eq!(
            two.ledger(&key(0)).unwrap(),
            Some(at(50)),
            "nothing else remains"
        );
        assert_eq!(
            moved(append(&mut *two, &key(0), 6, &[("a", "2")])),
            Some(50)
        );
        stored(append(&mut *two, &key(0), 50, &[("a", "3")]));
        assert_eq!(subject.data("a"), ["1", "3"]);
    });
}

#[test]
fn only_one_of_two_writers_with_the_same_expected_offset_stores() {
    const ROUNDS: i64 = 300;
    both(|subject| {
        let barrier = Barrier::new(2);
        let contend = |name: &'static str| {
            let mut writer = subject.writer();
            writer.begin(&key(0), None, &at(0), false).unwrap();
            let mut won = 0;
            for round in 0..ROUNDS {
                barrier.wait();
                // With and without a look-ahead at the same ledger.
                let following = key(0);
                let following = (round % 2 == 0).then_some(&following);
                let of = [(name, name), ("both", name)];
                match append_then(&mut *writer, &key(0), round * 2, &of, following) {
                    Appended::Stored(unstored) if unstored.refused.is_empty() => won += 1,
                    Appended::Moved(Some(ledger)) => assert_eq!(ledger.next, round * 2 + 2),
                    other => panic!("{other:?}"),
                }
                barrier.wait();
            }
            won
        };
        let (a, b) = std::thread::scope(|scope| {
            let other = scope.spawn(|| contend("b"));
            (contend("a"), other.join().unwrap())
        });
        println!("{a} and {b} of {ROUNDS}");
        assert_eq!(a + b, ROUNDS, "exactly one of the two in every round");
        let (data_a, data_b) = (subject.data("a").len(), subject.data("b").len());
        assert_eq!((data_a as i64, data_b as i64), (a, b));
        assert_eq!(subject.data("both").len() as i64, ROUNDS);
    });
}

#[test]
fn a_look_ahead_is_used_and_never_trusted_too_long() {
    both(|subject| {
        let (mut one, mut two) = (subject.writer(), subject.writer());
        for partition in 0..3 {
            one.begin(&key(partition), None, &at(0), false).unwrap();
        }
        let mut ahead = |expected, data: &str, following: &LedgerKey| {
            append_then(
                &mut *one,
                &key(0),
                expected,
                &[("a", data)],
                Some(following),
            )
        };
        assert_eq!(stored(ahead(0, "0", &key(0))), []);
        assert_eq!(stored(ahead(1, "1", &key(1))), []);
        // Another partition than the look-ahead's, and then that one.
        assert_eq!(stored(ahead(2, "2", &key(1))), []);
        assert_eq!(stored(append(&mut *one, &key(1), 0, &[("a", "3")])), []);
        assert_eq!(next_of(&mut *one, &key(0)), Some(3));

        // Another writer wrote in between, and this writer does not know.
        let of = [("a", "4")];
        assert_eq!(
            stored(append_then(&mut *one, &key(1), 1, &of, Some(&key(2)))),
            []
        );
        assert_eq!(
            stored(append(&mut *two, &key(2), 0, &[("a", "5"), ("a", "6")])),
            []
        );
        assert_eq!(
            moved(append(&mut *one, &key(2), 0, &[("a", "wrong")])),
            Some(2)
        );
        assert_eq!(stored(append(&mut *one, &key(2), 2, &[("a", "7")])), []);

        // The same, and this writer does know.
        assert_eq!(
            stored(append_then(
                &mut *one,
                &key(1),
                2,
                &[("a", "8")],
                Some(&key(2))
            )),
            []
        );
        assert_eq!(stored(append(&mut *two, &key(2), 3, &[("a", "9")])), []);
        assert_eq!(stored(append(&mut *one, &key(2), 4, &[("a", "10")])), []);

        // A ledger that did not exist at the look-ahead.
        let of = [("a", "11")];
        assert_eq!(
            stored(append_then(&mut *one, &key(1), 3, &of, Some(&key(9)))),
            []
        );
        two.begin(&key(9), None, &at(0), false).unwrap();
        assert_eq!(stored(append(&mut *one, &key(9), 0, &[("a", "12")])), []);
        let expected: Vec<String> = (0..=12).map(|n| n.to_string()).collect();
        assert_eq!(subject.data("a"), expected);
    });
}
