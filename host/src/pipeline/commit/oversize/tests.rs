use super::*;
use crate::record::{Batch, TopicPartition};

fn batch(value: Option<&[u8]>) -> Batch {
    let origin = TopicPartition {
        topic: "t".into(),
        partition: 0,
    };
    let mut batch = Batch::new(origin);
    let headers = [(&b"trace"[..], Some(&b"1"[..]))];
    batch.push(7, 0, Some(b"key"), value, headers.into_iter());
    batch
}

/// A letter of the batch's record: the record's header, the host's headers, and
/// those that the policy added.
fn letter(value: Option<&[u8]>) -> Outgoing {
    let headers = [
        ("trace", "1"),
        ("millstream.error.class", "malformed"),
        (OWN_VALUE, "true"),
        (SOURCE, "t/0/7"),
        ("added", "2"),
        (HOPS, "1"),
    ];
    let header = |(name, value): (&str, &str)| (name.into(), Some(value.into()));
    Outgoing {
        topic: "t-dlq".into(),
        key: Some(b"key".to_vec()),
        value: value.map(<[u8]>::to_vec),
        headers: headers.map(header).into(),
    }
}

fn names(letter: &Outgoing) -> Vec<&str> {
    let names = letter.headers.iter();
    names
        .map(|(name, _)| std::str::from_utf8(name).unwrap())
        .collect()
}

fn told(letter: &Outgoing, name: &str) -> String {
    let found: Vec<_> = { letter.headers.iter() }
        .filter(|(found, _)| found == name.as_bytes())
        .collect();
    assert_eq!(found.len(), 1, "{name}");
    String::from_utf8(found[0].1.clone().unwrap()).unwrap()
}

#[test]
fn the_value_is_omitted_first_then_foreign_headers_then_the_key() {
    let (batch, mut letter) = (batch(Some(b"value")), letter(Some(b"value")));
    let (mut omission, record) = (Omission::of(1), batch.view(0));
    assert!(omission.more(&mut letter, &record));
    assert_eq!(
        (letter.value.as_deref(), &*told(&letter, OMITTED)),
        (Some(&b""[..]), "value")
    );
    assert_eq!(names(&letter)[0], "trace");
    assert!(!names(&letter).contains(&OWN_VALUE), "it is not there");
    assert!(omission.more(&mut letter, &record));
    assert_eq!(told(&letter, OMITTED), "value,headers");
    let left = [
        "millstream.error.class",
        SOURCE,
        HOPS,
        OMITTED,
        SIZE,
        DIGEST,
    ];
    assert_eq!(names(&letter), left);
    assert_eq!(letter.key.as_deref(), Some(&b"key"[..]));
    assert!(omission.more(&mut letter, &record));
    assert_eq!(
        (&letter.key, &*told(&letter, OMITTED)),
        (&None, "value,headers,key")
    );
    assert_eq!(told(&letter, SIZE), (5 + 3 + 6).to_string());
    assert!(!omission.more(&mut letter, &record), "nothing is left");
}

#[test]
fn an_absent_part_is_not_omitted() {
    let (batch, mut letter) = (batch(None), letter(None));
    let mut omission = Omission::of(1);
    assert!(omission.more(&mut letter, &batch.view(0)));
    assert_eq!(letter.value, None, "a tombstone stays one");
    assert_eq!(omission.names(), "headers");
}

#[test]
fn a_digest_depends_on_the_length_and_the_presence_of_each_part() {
    let of = |key: Option<&str>, value: Option<&str>, headers: &[(&str, Option<&str>)]| {
        let headers = headers.iter();
        let bytes = headers.map(|(name, value)| (name.as_bytes(), value.map(str::as_bytes)));
        digest(key.map(str::as_bytes), value.map(str::as_bytes), bytes)
    };
    let records = [
        of(None, None, &[]),
        of(Some(""), None, &[]),
        of(None, Some(""), &[]),
        of(Some("a"), Some("b"), &[]),
        of(Some("ab"), Some(""), &[]),
        of(Some("a"), Some("b"), &[("c", None)]),
        of(Some("a"), Some("b"), &[("c", Some(""))]),
    ];
    let different: std::collections::HashSet<_> = records.iter().collect();
    assert_eq!(different.len(), records.len());
}
