//! The delivery guarantee: each record's event in its client's stream, once and in order.

use crate::kafka::Consumed;
use crate::streams::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A client and one source partition of its events; within these the order is total.
type Lane = (String, String);

/// Panics unless the streams hold exactly one event for each of these records of the topic, in the
/// stream of the client that the record's key names, in the order of the record's partition.
pub fn assert_exact<'a>(
    topic: &str,
    records: impl IntoIterator<Item = &'a Consumed>,
    streams: &BTreeMap<String, Vec<Entry>>,
) {
    let mut expected: BTreeMap<Lane, Vec<String>> = BTreeMap::new();
    for record in records {
        let key = record.key.clone().expect("a record without a key");
        let client = String::from_utf8(key).expect("a key that is not text");
        let partition = format!("{topic}/{}", record.partition);
        let source = format!("{partition}/{}/0", record.offset);
        expected
            .entry((client, partition))
            .or_default()
            .push(source);
    }
    let stored = by_lane(streams);
    let lanes: BTreeSet<&Lane> = expected.keys().chain(stored.keys()).collect();
    let none = Vec::new();
    let mut wrong = String::new();
    for lane in lanes {
        let of = |lists: &BTreeMap<Lane, Vec<String>>| lists.get(lane).unwrap_or(&none).clone();
        if let Some(how) = difference(&of(&expected), &of(&stored)) {
            writeln!(wrong, "{} in {}: {how}", lane.0, lane.1).unwrap();
        }
    }
    assert!(
        wrong.is_empty(),
        "streams differ from the records:\n{wrong}"
    );
}

fn by_lane(streams: &BTreeMap<String, Vec<Entry>>) -> BTreeMap<Lane, Vec<String>> {
    let mut lanes: BTreeMap<Lane, Vec<String>> = BTreeMap::new();
    for (client, entries) in streams {
        for Entry { source, .. } in entries {
            // topic/partition/offset/n
            let partition = source
                .rsplitn(3, '/')
                .nth(2)
                .expect("a source of four parts");
            let lane = (client.clone(), partition.to_owned());
            lanes.entry(lane).or_default().push(source.clone());
        }
    }
    lanes
}

fn difference(expected: &[String], stored: &[String]) -> Option<String> {
    if expected == stored {
        return None;
    }
    let (wanted, there): (BTreeSet<_>, BTreeSet<_>) =
        (expected.iter().collect(), stored.iter().collect());
    let mut seen = BTreeSet::new();
    let again: Vec<_> = stored
        .iter()
        .filter(|source| !seen.insert(*source))
        .collect();
    let missing: Vec<_> = wanted.difference(&there).collect();
    let stray: Vec<_> = there.difference(&wanted).collect();
    Some(match (missing.len(), again.len(), stray.len()) {
        (0, 0, 0) => format!("out of order: {stored:?}"),
        _ => format!("missing {missing:?}, repeated {again:?}, unexpected {stray:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::difference;

    fn told(expected: &str, stored: &str) -> Option<String> {
        let list = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        difference(&list(expected), &list(stored))
    }

    #[test]
    fn missing_repeated_unexpected_and_unordered_events_are_reported() {
        assert_eq!(told("a b", "a b"), None);
        assert!(told("a b", "b a").unwrap().starts_with("out of order"));
        let how = told("a b", "a a c").unwrap();
        assert_eq!(how, r#"missing ["b"], repeated ["a"], unexpected ["c"]"#);
    }
}
