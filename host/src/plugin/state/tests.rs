use super::*;
use crate::plugin::abi::List;
use crate::record::Class;

const MOST: usize = 1 << 20;

fn named(keys: &[(u32, &str)], records: usize) -> Result<Named, CallError> {
    let mut arena = Vec::new();
    let keys = keys.iter().map(|(record, key)| wire::Key {
        record: *record,
        key: Span::push(&mut arena, key.as_bytes()).into(),
    });
    let keys = keys.collect();
    Named::of(
        wire::NamedKeys {
            arena: List(arena),
            keys: List(keys),
        },
        records,
        MOST,
    )
}

fn write(record: u32, entry: u32, length: u32) -> wire::Write {
    wire::Write {
        record,
        entry,
        value: Span { start: 0, length }.into(),
        expires: i64::MAX,
    }
}

#[test]
fn each_key_is_one_entry_however_many_records_name_it() {
    let named = named(&[(0, "a"), (0, "b"), (2, "a")], 3).unwrap();
    assert_eq!(named.entries, ["a", "b"]);
    assert_eq!(named.named, [0, 1, 0]);
    assert_eq!(named.counts, [2, 0, 1]);
}

#[test]
fn keys_that_break_the_contract_are_refused() {
    let long = "x".repeat(257);
    let many: Vec<_> = (0..101).map(|_| (0, "k")).collect();
    let cases: [(&[(u32, &str)], &str); 5] = [
        (&[(0, "")], "a key is empty"),
        (&[(0, &long)], "a key has 257 bytes; the limit is 256"),
        (
            &[(1, "a"), (0, "b")],
            "a key names record 0, which is out of order",
        ),
        (&[(2, "a")], "a key names record 2, which is out of order"),
        (&many, "a record names more than 100 keys"),
    ];
    for (keys, message) in cases {
        let error = named(keys, 2).err().unwrap();
        assert_eq!((error.class, &*error.message), (Class::BadOutput, message));
    }
    let arena = b"abc".to_vec();
    let key = WireSpan {
        start: 1,
        length: 3,
    };
    let outside = wire::NamedKeys {
        arena: List(arena),
        keys: List(vec![wire::Key { record: 0, key }]),
    };
    let error = Named::of(outside, 1, MOST).err().unwrap();
    assert_eq!(error.message, "a key lies outside of the answer");
}

#[test]
fn a_record_writes_its_own_keys_only() {
    let named = named(&[(0, "a"), (1, "b")], 2).unwrap();
    let arena = vec![b'v'; STATE_VALUE_MAX + 1];
    let check = |writes: &[wire::Write]| named.writes(10, writes, &arena, MOST);
    let good = check(&[write(0, 0, 1), write(1, 1, 2)]).unwrap();
    let seen: Vec<_> = good.iter().map(|w| (w.record, &w.key[..])).collect();
    assert_eq!(seen, [(10, &b"a"[..]), (11, b"b")]);
    let cases = [
        (
            vec![write(0, 1, 1)],
            "a record writes a key that it did not name",
        ),
        (
            vec![write(0, 7, 1)],
            "a record writes a key that it did not name",
        ),
        (
            vec![write(1, 1, 1), write(0, 0, 1)],
            "a write names record 0, which is out of order",
        ),
        (
            vec![write(2, 0, 1)],
            "a write names record 2, which is out of order",
        ),
        (
            vec![write(0, 0, STATE_VALUE_MAX as u32 + 1)],
            "the plugin wrote a value of 65537 bytes; the limit is 65536",
        ),
        (
            vec![write(0, 0, u32::MAX)],
            "a value lies outside of the answer",
        ),
    ];
    for (writes, message) in cases {
        let error = check(&writes).unwrap_err();
        assert_eq!((error.class, &*error.message), (Class::BadOutput, message));
    }
}

#[test]
fn values_that_share_bytes_count_in_full() {
    let keys: Vec<_> = (0..32).map(|record| (record, "k")).collect();
    let named = named(&keys, 32).unwrap();
    let arena = vec![b'v'; STATE_VALUE_MAX];
    let writes: Vec<_> = (0..32)
        .map(|record| write(record, 0, STATE_VALUE_MAX as u32))
        .collect();
    let error = named.writes(0, &writes, &arena, MOST).unwrap_err();
    assert_eq!(error.class, Class::TooLarge);
    assert!(
        error
            .message
            .starts_with("the plugin wrote more than 1048576 bytes")
    );
}

/// A store with one key, which counts how often it is asked.
struct Store(usize);

impl ReadState for Store {
    fn read(&mut self, keys: &[Bytes]) -> Option<Read> {
        self.0 += 1;
        let value = |key: &Bytes| (key == "old").then(|| value("1"));
        let values = keys.iter().map(value).collect();
        Some(Read { values, count: 1 })
    }
}

fn value(text: &'static str) -> StateValue {
    StateValue {
        bytes: text.into(),
        expires: i64::MAX,
    }
}

fn set(record: u32, key: &'static str, text: &'static str) -> StateWrite {
    StateWrite {
        record,
        key: key.into(),
        value: (!text.is_empty()).then(|| value(text)),
    }
}

#[test]
fn a_key_is_read_once_for_a_batch_and_then_as_it_was_written() {
    let mut store = Store(0);
    let mut values = Values::new(10);
    let keys = named(&[(0, "old"), (0, "new")], 1).unwrap();
    assert_eq!(values.fetch(&keys, &mut store), Some(1));
    assert_eq!(values.fetch(&keys, &mut store), Some(1));
    assert_eq!(store.0, 1);
    let writes = [set(0, "old", "2"), set(0, "new", "1"), set(1, "new", "")];
    values.apply(&writes);
    let lowered = values.lower(&keys);
    let [old, new] = &lowered.entries[..] else {
        panic!("two entries");
    };
    assert_eq!(Span::from(old.value).of(&lowered.arena), Some(&b"2"[..]));
    assert_eq!(Span::from(new.value).of(&lowered.arena), None);
    let before = values.before(&writes);
    assert_eq!(before[&Bytes::from("old")], Some(value("1")));
    assert_eq!(before[&Bytes::from("new")], None);
}

#[test]
fn the_first_record_beyond_the_room_is_found() {
    let mut values = Values::new(3);
    let keys = named(&[(0, "old"), (0, "a"), (1, "b"), (2, "c")], 3).unwrap();
    // One of the three keys is there.
    values.fetch(&keys, &mut Store(0));
    let fits = [
        set(0, "old", "2"),
        set(0, "a", "1"),
        set(1, "a", "2"),
        set(1, "b", "1"),
    ];
    assert_eq!(values.over(&fits), None);
    let over = [set(0, "a", "1"), set(1, "b", "1"), set(2, "c", "1")];
    assert_eq!(values.over(&over), Some(2));
    values.apply(&fits);
    assert_eq!(values.over(&[set(2, "c", "1")]), Some(2));
    assert_eq!(values.over(&[set(2, "a", ""), set(2, "b", "3")]), None);
}

/// A store that reads two keys at a time.
struct Narrow;

impl ReadState for Narrow {
    fn read(&mut self, keys: &[Bytes]) -> Option<Read> {
        let values = vec![None; keys.len().min(2)];
        Some(Read { values, count: 0 })
    }
}

#[test]
fn records_whose_values_are_too_large_together_come_in_parts() {
    let mut values = Values::new(10);
    let all = [(0, "a"), (1, "b"), (1, "c"), (2, "a"), (4, "d")];
    let keys = named(&all, 5).unwrap();
    assert_eq!(
        values.fetch(&keys, &mut Narrow),
        Some(1),
        "a and b are known"
    );
    assert_eq!(values.fetch(&keys, &mut Narrow), Some(5));
}
