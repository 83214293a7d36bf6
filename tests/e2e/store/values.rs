//! Values of a stateful transform: they are stored exactly if the ledger moves.

use super::permissions::Permitted;
use super::{SOON, Subject, at, batch, both, events, key, moved, next_of, stored};
use millstream::record::StateValue;
use millstream::store::{Appended, NewValue, Writer};
use millstream_tests::{Link, servers, wait_until};

/// New values that never expire; an empty one removes the key's.
fn new(of: &[(&'static str, &'static str)]) -> Vec<NewValue> {
    let new = |(key, value): &(&'static str, &'static str)| NewValue {
        key: (*key).into(),
        value: (!value.is_empty()).then(|| lasting(value, i64::MAX)),
        before: None,
    };
    of.iter().map(new).collect()
}

fn lasting(value: &'static str, expires: i64) -> StateValue {
    StateValue {
        bytes: value.into(),
        expires,
    }
}

/// The values of these keys.
#[track_caller]
fn read<const N: usize>(
    writer: &mut dyn Writer,
    partition: i32,
    keys: [&'static str; N],
) -> [String; N] {
    let read = writer
        .values(&key(partition), &keys.map(Into::into))
        .unwrap();
    let text = |value: Option<StateValue>| {
        value.map_or("-".into(), |v| String::from_utf8(v.bytes.into()).unwrap())
    };
    let all: Vec<String> = read.values.into_iter().map(text).collect();
    all.try_into().unwrap()
}

fn count(writer: &mut dyn Writer) -> usize {
    writer.values(&key(0), &[]).unwrap().count
}

/// Appends values only, from offset `expected` to the next.
fn append(writer: &mut dyn Writer, expected: i64, values: &[NewValue]) -> Appended {
    let ledger = key(0);
    let mut append = batch(&ledger, expected, expected + 1, &[]);
    (append.values, append.keeps_state) = (values, true);
    append.exchange = append.exchange.with_values(true);
    writer.append(&mut append, None)
}

#[test]
fn values_are_stored_with_the_ledger_or_not_at_all() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        assert_eq!(read(&mut *writer, 0, ["a"]), ["-"]);
        stored(append(
            &mut *writer,
            0,
            &new(&[("a", "1"), ("next", "2"), ("\0\u{ff}{}", "3")]),
        ));
        assert_eq!(
            read(&mut *writer, 0, ["a", "next", "none", "\0\u{ff}{}"]),
            ["1", "2", "-", "3"]
        );
        assert_eq!(
            next_of(&mut *writer, &key(0)),
            Some(1),
            "no key is a field of the ledger"
        );
        assert_eq!(count(&mut *writer), 3);
        assert_eq!(moved(append(&mut *writer, 0, &new(&[("a", "9")]))), Some(1));
        stored(append(&mut *writer, 1, &new(&[("a", "4"), ("next", "")])));
        assert_eq!(read(&mut *writer, 0, ["a", "next"]), ["4", "-"]);
        assert_eq!(count(&mut *writer), 2);
        assert_eq!(read(&mut *writer, 1, ["a"]), ["-"], "another partition");
    });
}

#[test]
fn a_value_may_be_empty() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let mut values = new(&[("a", "1")]);
        values[0].value = Some(lasting("", 7));
        stored(append(&mut *writer, 0, &values));
        let read = writer.values(&key(0), &["a".into()]).unwrap();
        assert_eq!(read.values, [Some(lasting("", 7))]);
    });
}

#[test]
fn a_new_ledger_keeps_or_forgets_the_values() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        stored(append(&mut *writer, 0, &new(&[("a", "1")])));
        writer.begin(&key(0), Some(1), &at(0), false).unwrap();
        assert_eq!(read(&mut *writer, 0, ["a"]), ["1"]);
        // Another position: nothing is written, and so nothing forgotten.
        writer.begin(&key(0), Some(7), &at(0), true).unwrap();
        assert_eq!(read(&mut *writer, 0, ["a"]), ["1"]);
        writer.begin(&key(0), Some(0), &at(0), true).unwrap();
        assert_eq!(
            (read(&mut *writer, 0, ["a"]), count(&mut *writer)),
            (["-".into()], 0)
        );
    });
}

#[test]
fn expired_values_are_removed_as_others_are_written() {
    let subject = Subject::redis(&servers().redis.url());
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    let write =
        |writer: &mut dyn Writer, expected: i64, name: &'static str, expires: i64, clock: i64| {
            let ledger = key(0);
            let mut values = new(&[(name, "v")]);
            values[0].value = Some(lasting("v", expires));
            let mut append = batch(&ledger, expected, expected + 1, &[]);
            (append.values, append.clock, append.keeps_state) = (&values, clock, true);
            stored(writer.append(&mut append, None));
        };
    write(&mut *writer, 0, "a", 100, 50);
    write(&mut *writer, 1, "b", 100, 50);
    write(&mut *writer, 2, "c", i64::MAX, 50);
    // Written again before it expired.
    write(&mut *writer, 3, "b", 200, 60);
    write(&mut *writer, 4, "d", 300, 99);
    assert_eq!(count(&mut *writer), 4);
    write(&mut *writer, 5, "e", 300, 100);
    assert_eq!(
        read(&mut *writer, 0, ["a", "b", "c", "d", "e"]),
        ["-", "v", "v", "v", "v"]
    );
    assert_eq!(count(&mut *writer), 4);
    write(&mut *writer, 6, "f", i64::MAX, 250);
    write(&mut *writer, 7, "g", 400, 250);
    assert_eq!(
        read(&mut *writer, 0, ["b", "c", "d", "f"]),
        ["-", "v", "v", "v"]
    );
}

#[test]
fn values_whose_answer_was_lost_are_stored_once() {
    for reached in [true, false] {
        let url = servers().redis.url();
        let link = Link::to(url.trim_start_matches("redis://"));
        let subject = Subject::redis(&format!("redis://{}", link.addr()));
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let (ledger, events, values) = (key(0), events(0, &[("c", "1")]), new(&[("a", "1")]));
        let mut held = batch(&ledger, 0, 1, &events);
        (held.values, held.keeps_state) = (&values, true);
        held.exchange = held.exchange.with_values(true);
        link.hold_before("\r\n$4\r\nEXEC\r\n");
        let lost = std::thread::scope(|scope| {
            let sent = scope.spawn(|| writer.append(&mut held, None));
            link.wait_held();
            if reached {
                link.lose_answers();
                link.let_go();
                wait_until("the answer is lost", SOON, || {
                    (link.lost() > 0).then_some(())
                });
            }
            link.cut();
            sent.join().unwrap()
        });
        assert!(matches!(lost, Appended::Unknown(_)), "{lost:?}");
        link.open();
        assert_eq!(stored(writer.append(&mut held, None)), []);
        assert_eq!(read(&mut *writer, 0, ["a"]), ["1"]);
        assert_eq!(subject.data("c"), ["1"], "reached: {reached}");
        assert_eq!(next_of(&mut *writer, &key(0)), Some(1));
    }
}

#[test]
fn events_that_would_be_refused_are_named_before_anything_is_stored() {
    let subject = Subject::redis(&servers().redis.url());
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    let bad = format!("{}:{{0}}:client:bad", subject.prefix);
    servers().redis.order(&["SET", &bad, "no stream"]);
    let (ledger, events) = (
        key(0),
        events(0, &[("good", "1"), ("bad", "2"), ("good", "3")]),
    );
    let values = new(&[("a", "1")]);
    let mut refused = batch(&ledger, 0, 3, &events);
    (refused.values, refused.keeps_state) = (&values, true);
    match writer.append(&mut refused, None) {
        Appended::Refused(refusals) => {
            let [refusal] = &refusals[..] else {
                panic!("{refusals:?}")
            };
            assert_eq!(refusal.event, 1);
            assert_eq!(
                refusal.message,
                "WRONGTYPE the key of client bad is a string, not a stream"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(subject.data("good"), [""; 0]);
    assert_eq!(read(&mut *writer, 0, ["a"]), ["-"]);
    assert_eq!(next_of(&mut *writer, &key(0)), Some(0));
}

#[test]
fn a_ledger_that_is_taken_back_takes_the_values_along() {
    let permitted = Permitted::new();
    let mut writer = permitted.subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    stored(append(&mut *writer, 0, &new(&[("a", "old")])));
    let (ledger, events) = (key(0), events(1, &[("c", "1")]));
    let mut values = new(&[("a", "new"), ("b", "new")]);
    values[0].before = Some(lasting("old", i64::MAX));
    let mut held = batch(&ledger, 1, 2, &events);
    (held.values, held.keeps_state) = (&values, true);
    held.exchange = held.exchange.with_values(true);
    let torn = permitted.change_before_exec("-xadd", || writer.append(&mut held, None));
    assert!(matches!(torn, Appended::Unavailable(_)), "{torn:?}");
    // The owner after a crash continues from what it finds.
    let mut other = permitted.subject.writer();
    assert_eq!(next_of(&mut *other, &key(0)), Some(1));
    assert_eq!(read(&mut *other, 0, ["a", "b"]), ["old", "-"]);
    permitted.permit("+xadd");
    assert_eq!(stored(writer.append(&mut held, None)), []);
    assert_eq!(read(&mut *other, 0, ["a", "b"]), ["new", "new"]);
    assert_eq!(permitted.data("c"), ["1"]);
}
