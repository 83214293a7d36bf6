//! Dead letters that are replayed more than once.

use super::{LONG, config, note, wait_for_records};
use millstream_tests::{Consumed, Daemon, Message, produce, read_all, servers, unique, wait_until};

/// The same key, value and headers, as a new record of this partition.
fn again(letter: &Consumed, partition: i32) -> Message {
    let value = letter.value.clone().unwrap();
    let message = Message::new(value).partition(partition);
    letter
        .headers
        .iter()
        .fold(message, |message, (name, value)| {
            message.header(name, value.clone().unwrap())
        })
}

#[test]
fn letters_replayed_twice_give_their_events_once() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("replayed", 2), unique("replayed"));
    let at = |more: &str| config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, more);
    let broken = at("replays = true").replace(
        "\"bundled:notifications\"",
        r#""bundled:by-field", config = { client = "/no/such/field" }"#,
    );
    produce(&topic, (0..200).map(note));
    let mut daemon = Daemon::ready(&broken);
    let dead = format!("{topic}-dlq");
    let letters = wait_until("all are dead letters", LONG, || {
        daemon
            .log_contains("created a dead-letter topic")
            .then_some(())?;
        Some(read_all(&dead)).filter(|letters| letters.len() >= 200)
    });
    // The cause is fixed, and all letters are replayed twice, to two partitions, so that two
    // workers process copies of the same record at the same time.
    daemon.terminate();
    daemon.set_config(&at("replays = true"));
    daemon.restart();
    let copies = letters
        .iter()
        .flat_map(|letter| [again(letter, 0), again(letter, 1)]);
    produce(&topic, copies);
    wait_for_records(&daemon, 400);
    // Once more after a crash.
    daemon.kill();
    daemon.restart();
    produce(&topic, letters.iter().map(|letter| again(letter, 1)));
    wait_for_records(&daemon, 200);
    let mut sources: Vec<_> = redis.streams(&prefix).remove("ada").unwrap();
    sources.sort_by_key(|entry| {
        entry
            .source
            .split('/')
            .nth(2)
            .unwrap()
            .parse::<i64>()
            .unwrap()
    });
    let sources: Vec<_> = sources.into_iter().map(|entry| entry.source).collect();
    let expected: Vec<_> = (0..200)
        .map(|offset| format!("{topic}/0/{offset}/0"))
        .collect();
    assert_eq!(sources, expected, "each once, with its first source");
}
