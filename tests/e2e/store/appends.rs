//! One writer: events and ledger are stored together or not at all.

use super::{append, at, batch, both, key, moved, next_of, stored};
use millstream::store::{Ledger, LedgerKey};

#[test]
fn events_and_ledger_are_written_together() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(10), false).unwrap();
        let of = [("a", "1"), ("b", "2"), ("a", "3"), ("c d/{}*", "4\r\n\0é")];
        assert_eq!(stored(append(&mut *writer, &key(0), 10, &of)), []);
        assert_eq!(next_of(&mut *writer, &key(0)), Some(14));
        assert_eq!(subject.data("a"), ["1", "3"]);
        assert_eq!(subject.data("b"), ["2"]);
        assert_eq!(subject.data("c d/{}*"), ["4\r\n\0é"]);
        assert_eq!(&subject.stream("b")[0].kind[..], b"kind");
        // Filtered records only move the ledger.
        let nothing = writer.append(&mut batch(&key(0), 14, 99, &[]), None);
        assert_eq!(stored(nothing), []);
        assert_eq!(next_of(&mut *writer, &key(0)), Some(99));
        let ledger = writer.ledger(&key(0)).unwrap().unwrap();
        assert_eq!(
            ledger,
            Ledger {
                digests: "digests".into(),
                ..at(99)
            }
        );
    });
}

#[test]
fn many_events_of_one_append_keep_their_order() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let numbers: Vec<String> = (0..900).map(|n| n.to_string()).collect();
        let of: Vec<_> = numbers.iter().map(|n| ("a", n.as_str())).collect();
        assert_eq!(stored(append(&mut *writer, &key(0), 0, &of)), []);
        assert_eq!(subject.data("a"), numbers);
        let ids: Vec<_> = subject.stream("a").iter().map(|entry| entry.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "ids rise");
    });
}

#[test]
fn a_wrong_expected_offset_stores_nothing_and_returns_the_ledger() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(10), false).unwrap();
        for wrong in [9, 11] {
            assert_eq!(
                moved(append(&mut *writer, &key(0), wrong, &[("a", "1")])),
                Some(10)
            );
        }
        assert_eq!(subject.data("a"), [""; 0]);
        assert_eq!(next_of(&mut *writer, &key(0)), Some(10));
        assert_eq!(stored(append(&mut *writer, &key(0), 10, &[("a", "2")])), []);
        assert_eq!(subject.data("a"), ["2"]);
    });
}

#[test]
fn without_a_ledger_nothing_is_stored() {
    both(|subject| {
        let mut writer = subject.writer();
        assert_eq!(next_of(&mut *writer, &key(0)), None);
        assert_eq!(moved(append(&mut *writer, &key(0), 0, &[("a", "1")])), None);
        assert_eq!(next_of(&mut *writer, &key(0)), None);
        assert_eq!(subject.data("a"), [""; 0]);
        // The ledger of another partition or group does not count.
        writer.begin(&key(1), None, &at(0), false).unwrap();
        assert_eq!(moved(append(&mut *writer, &key(0), 0, &[("a", "1")])), None);
        let other = LedgerKey {
            group: "h".into(),
            ..key(1)
        };
        assert_eq!(moved(append(&mut *writer, &other, 0, &[("a", "1")])), None);
    });
}
