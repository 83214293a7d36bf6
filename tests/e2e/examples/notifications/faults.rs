//! Faults of the demo that this example replaces; the example must not have them.

use super::SOON;
use super::rig::{Rig, message};
use millstream_tests::{Message, produce, read_all, servers, wait_until};
use std::time::{Duration, Instant};

#[test]
fn no_events_are_lost_during_a_redis_outage() {
    let redis = servers().own_redis(&["--appendonly", "yes", "--appendfsync", "always"]);
    let rig = Rig::on(&redis);
    let mut ada = rig.connect("ada");
    for n in 0..10 {
        rig.app.notify(&["ada"], 1, &format!("{n}"));
    }
    ada.events(10, SOON);
    redis.kill();
    for n in 10..20 {
        rig.app.notify(&["ada"], 1, &format!("{n}"));
    }
    redis.start();
    let messages = wait_until("all events are stored", SOON, || {
        let stored = rig.stored("ada");
        let events = stored.iter().filter(|entry| !entry.source.is_empty());
        let messages: Vec<String> = events.map(|entry| message(&entry.data)).collect();
        (messages.len() >= 20).then_some(messages)
    });
    let expected: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(messages, expected, "each once, in order");
    assert!(read_all_letters(&rig).is_empty());
}

#[test]
fn a_record_without_a_key_is_delivered_and_one_without_a_value_is_a_dead_letter() {
    let rig = Rig::start();
    let mut ada = rig.connect("ada");
    let value = |message: &str| {
        format!(r#"{{"eventId":"e","eventType":"mail","clientId":"ada","message":"{message}"}}"#)
    };
    let records = [
        Message::new(value("without a key")),
        Message::tombstone("ada"),
        Message::new("no JSON").key("ada"),
        Message::new(value("with one")).key("ada"),
    ];
    produce(&rig.topic, records.map(|record| record.partition(0)));
    let events = ada.events(2, SOON);
    let messages = events
        .iter()
        .map(|event| message(event.data.as_ref().unwrap()));
    assert_eq!(messages.collect::<Vec<_>>(), ["without a key", "with one"]);
    let letters = wait_until("both records are dead letters", SOON, || {
        let letters = read_all_letters(&rig);
        (letters.len() == 2).then_some(letters)
    });
    assert_eq!(letters[0], None);
    assert_eq!(letters[1].as_deref(), Some(&b"no JSON"[..]));
}

/// In the old demo a stream lived for two minutes.
#[test]
fn a_stream_outlives_two_minutes_and_the_interest_of_an_absent_client_expires() {
    let rig = Rig::start();
    let opened = Instant::now();
    let mut ada = rig.connect("ada");
    let grace = rig.connect("grace");
    rig.app.notify(&["ada", "grace"], 1, "first");
    ada.events(1, SOON);
    wait_until("grace's event is stored", SOON, || {
        (rig.stored("grace").len() == 1).then_some(())
    });
    drop(grace);

    let two_minutes = Duration::from_secs(125);
    while let Some(left) = two_minutes.checked_sub(opened.elapsed()) {
        ada.next(left); // comments
        assert_eq!(ada.end(), None, "after {:?}", opened.elapsed());
    }
    rig.app.notify(&["grace", "ada"], 3, "much later");
    ada.events(3, SOON);
    rig.app.notify(&["grace"], 3, "much later"); // again, now on her own partition
    rig.app.notify(&["ada"], 1, "last");
    ada.events(1, SOON);
    assert_eq!(rig.stored("grace").len(), 1, "grace's interest has expired");
}

/// The values of the dead letters; empty if their topic does not exist.
fn read_all_letters(rig: &Rig<'_>) -> Vec<Option<Vec<u8>>> {
    let topic = format!("{}-dlq", rig.topic);
    if !servers().kafka.has_topic(&topic) {
        return Vec::new();
    }
    read_all(&topic)
        .into_iter()
        .map(|record| record.value)
        .collect()
}
