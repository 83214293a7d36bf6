//! Events for groups: stored once, in the group's own stream.

use super::{LONG, wait_for_records};
use millstream_tests::{
    Consumed, Daemon, Link, Message, SHORT_SESSIONS, assert_exact, produce, read_all, servers,
    unique, wait_until,
};
use std::time::Duration;

/// A third of the records for each of two groups and for a client with the name of a group. The key
/// is the stream's name.
fn message(n: usize) -> Message {
    let (key, value) = match n % 3 {
        0 => ("blue", r#"{"team": "blue", "user": "ada"}"#),
        1 => ("red {}*é", r#"{"team": "red {}*é"}"#),
        _ => ("blue", r#"{"team": null, "user": "blue"}"#),
    };
    Message::new(value).key(key).partition((n % 2) as i32)
}

fn config(topic: &str, prefix: &str, more: &str) -> String {
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let transform = r#"transform = { plugin = "bundled:by-field", config = { group = "/team", client = "/user", type = "=news" } }"#;
    let rest = format!("name = \"groups\"\n{transform}\n{more}");
    millstream_tests::config(&kafka, &redis, topic, prefix, &rest)
}

#[test]
fn a_groups_events_are_stored_once_and_in_order_through_crashes() {
    const COUNT: usize = 12_000;
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("groups", 2), unique("groups"));
    produce(&topic, (0..COUNT).map(message));
    // Small batches and a slow Redis, so that the daemon is killed midway.
    let link = Link::to(&redis.addr());
    link.delay(Duration::from_millis(5));
    let far = format!("redis://{}", link.addr());
    let more = format!("batch = {{ max-records = 16 }}\n{SHORT_SESSIONS}");
    let config = config(&topic, &prefix, &more).replace(&redis.url(), &far);
    let mut daemon = Daemon::builder(&config).start();
    let stored = || {
        let (groups, clients) = (redis.groups(&prefix), redis.streams(&prefix));
        let all = groups.values().chain(clients.values());
        (all.map(Vec::len).sum::<usize>(), groups, clients)
    };
    for quarter in 1..=2 {
        wait_until("another quarter is stored", LONG, || {
            (stored().0 >= COUNT * quarter / 4).then_some(())
        });
        daemon.kill();
        let killed_at = stored().0;
        println!("killed with {killed_at} of {COUNT} stored");
        assert!(killed_at < COUNT, "it was killed too late");
        daemon.restart();
    }
    let (_, groups, clients) = wait_until("all records are stored", LONG, || {
        Some(stored()).filter(|(count, ..)| *count >= COUNT)
    });
    let records = read_all(&topic);
    let of_group = |record: &&Consumed| record.text().contains("\"team\": \"");
    let (to_groups, to_clients): (Vec<_>, Vec<_>) = records.iter().partition(of_group);
    assert_exact(&topic, to_groups, &groups);
    assert_exact(&topic, to_clients, &clients);
    let blue = &groups["blue"][0];
    assert_eq!(blue.event_type, "news");
    assert_eq!(blue.data, r#"{"team": "blue", "user": "ada"}"#);
    for partition in 0..2 {
        let ledger = format!("{prefix}:{{0}}:ledger:{prefix}:{topic}:{partition}");
        let mut ask = redis::cmd("HGET");
        let next: usize = ask
            .arg(ledger)
            .arg("next")
            .query(&mut redis.connect())
            .unwrap();
        assert_eq!(next, COUNT / 2, "the ledger of partition {partition}");
    }
}

#[test]
fn an_event_routed_to_a_topic_says_whether_it_was_for_a_group() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("routed", 1), unique("routed"));
    let copies = kafka.create_topic("routed-copies", 1);
    let route = format!(
        r#"route = {{ plugin = "bundled:by-type", config = {{ default = {{ deliver = "never", topic = "{copies}" }} }} }}"#
    );
    let daemon = Daemon::ready(&config(&topic, &prefix, &route));
    produce(&topic, (0..6).map(|n| message(n).partition(0)));
    wait_for_records(&daemon, 6);
    let copies = read_all(&copies);
    assert_eq!(copies.len(), 6);
    for (n, copy) in copies.iter().enumerate() {
        let (client, group) = match n % 3 {
            0 => (None, Some("blue")),
            1 => (None, Some("red {}*é")),
            _ => (Some("blue"), None),
        };
        assert_eq!(copy.header("millstream.client"), client);
        assert_eq!(copy.header("millstream.group"), group);
        assert_eq!(copy.header("millstream.type"), Some("news"));
        assert_eq!(copy.key.as_deref(), client.or(group).map(str::as_bytes));
        let source = format!("{topic}/0/{n}/0");
        assert_eq!(copy.header("millstream.source"), Some(&*source));
    }
    assert!(redis.groups(&prefix).is_empty() && redis.streams(&prefix).is_empty());
}
