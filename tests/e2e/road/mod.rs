//! The main job on real servers: every record that goes into Kafka is in its client's stream
//! once and in partition order, or in the dead-letter topic with all its
//! bytes; also when plugins are swapped and the daemon is killed meanwhile.
//!
//! `MILLSTREAM_RECORDS` sets how many records each run uses (200,000 for the
//! figures in an issue; the default keeps the suite short).

mod input;
mod killed;
mod plain;
mod shared;
mod swapped;

use input::{Input, Original};
use millstream_tests::{
    Consumed, Entry, SHORT_SESSIONS, assert_exact, config, read_all, servers, streams, wait_until,
};
use std::collections::BTreeMap;
use std::time::Duration;

const PARTITIONS: i32 = 6;
const CLIENTS: usize = 1000;
/// A time-out for things that happen eventually, not an expectation of speed.
const LONG: Duration = Duration::from_secs(300);

fn records() -> usize {
    let given = std::env::var("MILLSTREAM_RECORDS").ok();
    given.map_or(20_000, |n| {
        n.parse().expect("MILLSTREAM_RECORDS is a number")
    })
}

fn toml(input: &Input, transform: &str) -> String {
    let kafka = servers().kafka.bootstrap();
    let redis = servers().redis.url();
    let Input {
        topic,
        dead,
        prefix,
        ..
    } = input;
    let rest = format!(
        r#"
name = "road"
transform = {{ plugin = "{transform}" }}
dead-letter = {{ plugin = "bundled:retry-then-topic", config = {{ topic = "{dead}" }} }}
{SHORT_SESSIONS}
"#
    );
    config(&kafka, &redis, topic, prefix, &rest)
}

/// The whole output.
struct Output {
    streams: BTreeMap<String, Vec<Entry>>,
    dead: Vec<Consumed>,
}

/// Waits until there is at least as much output as input.
fn wait_for_all(input: &Input) -> Output {
    wait_until("every record is processed", LONG, || {
        let streams = streams(&input.prefix);
        let dead = read_all(&input.dead);
        let events: usize = streams.values().map(Vec::len).sum();
        (events + dead.len() >= input.originals.len()).then_some(Output { streams, dead })
    })
}

/// Checks that each well-formed record's event is in its client's stream once, in order.
fn check_streams(input: &Input, output: &Output) {
    let good = input.originals.iter().filter(|original| original.good);
    let records = good.map(|original| &original.record);
    assert_exact(&input.topic, records, &output.streams);
}

/// Checks that each malformed record is in the dead-letter topic with all its bytes: once, or
/// several times with the same source if the daemon was killed.
fn check_dead(input: &Input, output: &Output, once: bool) {
    let mut letters: BTreeMap<&str, Vec<&Consumed>> = BTreeMap::new();
    for letter in &output.dead {
        let source = letter
            .header("millstream.source")
            .expect("every event has a source");
        letters.entry(source).or_default().push(letter);
    }
    let malformed: Vec<&Original> = input.originals.iter().filter(|o| !o.good).collect();
    assert_eq!(letters.len(), malformed.len(), "records with a dead letter");
    for original in malformed {
        let copies = &letters[original.source.as_str()];
        assert!(
            !once || copies.len() == 1,
            "{} copies of one letter",
            copies.len()
        );
        copies
            .iter()
            .for_each(|letter| check_letter(original, letter));
    }
}

fn check_letter(original: &Original, letter: &Consumed) {
    let record = &original.record;
    assert_eq!((&letter.key, &letter.value), (&record.key, &record.value));
    let (own, added) = letter.headers.split_at(record.headers.len());
    assert_eq!(own, record.headers);
    assert!(
        added
            .iter()
            .all(|(name, _)| name.starts_with("millstream."))
    );
    assert_eq!(letter.header("millstream.error.class"), Some("malformed"));
    assert_eq!(letter.header("millstream.error.stage"), Some("transform"));
    let message = letter
        .header("millstream.error.message")
        .expect("every letter has a reason");
    assert!(message.contains("at byte"), "{message}");
}
