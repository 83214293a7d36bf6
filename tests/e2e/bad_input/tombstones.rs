//! Tombstones through each bundled transform, for each setting.

use super::LONG;
use millstream_tests::{
    Daemon, Message, config, create_topic, produce, read_all, servers, streams, unique, wait_until,
};
use serde_json::json;

/// What a tombstone becomes: an event, a dead letter, or nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Becomes {
    Event,
    Letter,
    Nothing,
}

const CASES: [(&str, &str, Becomes); 11] = [
    ("by-field", "", Becomes::Letter),
    ("by-field", "tombstones = \"skip\"", Becomes::Nothing),
    ("by-field", "tombstones = \"event\"", Becomes::Event),
    ("cloudevents", "", Becomes::Letter),
    ("cloudevents", "tombstones = \"skip\"", Becomes::Nothing),
    ("debezium", "", Becomes::Nothing),
    ("debezium", "tombstones = \"fail\"", Becomes::Letter),
    ("notifications", "tombstones = \"skip\"", Becomes::Nothing),
    ("notifications", "tombstones = \"event\"", Becomes::Event),
    ("task-results", "tombstones = \"fail\"", Becomes::Letter),
    ("task-results", "tombstones = \"skip\"", Becomes::Nothing),
];

/// A value that only `by-field` can read; it becomes an event and marks the end.
const MARKER: &str = "the end";

#[test]
fn a_tombstone_is_skipped_fails_or_is_delivered_as_configured() {
    let prefix = unique("tombstones");
    let topics: Vec<_> = CASES
        .iter()
        .map(|_| create_topic("tombstones", 1))
        .collect();
    for topic in &topics {
        let dead = format!("{topic}-dlq");
        servers().kafka.create_topic_named(&dead, 1, &[]);
    }
    let pipeline = |n: usize| {
        let (plugin, options, _) = CASES[n];
        format!(
            "name = \"p{n}\"\nworkers = 1\n\
             transform = {{ plugin = \"bundled:{plugin}\", config = {{ {options} }} }}\n"
        )
    };
    let others = (1..CASES.len()).map(|n| {
        let topic = json!([topics[n]]);
        format!("[[pipeline]]\ntopics = {topic}\n{}", pipeline(n))
    });
    let rest = pipeline(0) + &others.collect::<String>();
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let daemon = Daemon::ready(&config(&kafka, &redis, &topics[0], &prefix, &rest));
    for (n, topic) in topics.iter().enumerate() {
        let key = format!("client-{n}");
        produce(
            topic,
            [Message::tombstone(&*key), Message::new(MARKER).key(&*key)],
        );
    }
    for (n, (case, topic)) in CASES.iter().zip(&topics).enumerate() {
        let (plugin, options, becomes) = *case;
        let dead = format!("{topic}-dlq");
        let marker_fails = plugin != "by-field";
        let (events, letters) = wait_until(&format!("{plugin} {options} is done"), LONG, || {
            let events = streams(&prefix)
                .remove(&*format!("client-{n}"))
                .unwrap_or_default();
            let letters = read_all(&dead);
            let last_letter = letters.last().is_some_and(|letter| letter.value.is_some());
            let last_event = events.last().is_some_and(|event| event.data == MARKER);
            (last_letter || last_event).then_some((events, letters))
        });
        let what = format!("{plugin} {options}: {events:?} {letters:?}");
        let is_event = becomes == Becomes::Event;
        let data: Vec<_> = events.iter().map(|event| &*event.data).collect();
        let expected = [(is_event, "null"), (!marker_fails, MARKER)];
        let expected: Vec<_> = expected
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, data)| *data)
            .collect();
        assert_eq!(data, expected, "{what}");
        let failed = usize::from(becomes == Becomes::Letter) + usize::from(marker_fails);
        assert_eq!(letters.len(), failed, "{what}");
    }
    assert_eq!(daemon.terminate(), Some(0));
}
