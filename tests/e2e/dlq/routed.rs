//! Events that a route sends to Kafka topics, and clients that are away.

use super::{Fixture, MENDED, check_sum, number, numbers};
use millstream_tests::{produce, read_all, servers};

#[test]
fn events_for_topics_are_produced_with_their_source_except_in_a_dry_run() {
    let place = Fixture::new(1);
    let copies = servers().kafka.create_topic("copies", 1);
    let value = |n: i64| {
        format!(
            r#"{{"client":"a","kind":"{}"}}"#,
            if n % 2 == 0 { "both" } else { "mail" }
        )
    };
    produce(
        &place.dead,
        (0..20).map(|n| place.letter(n, &value(n), &[])),
    );
    let route = format!(
        r#"route = {{ plugin = "bundled:by-type", config = {{ types = {{ both = {{ deliver = "always", topic = "{copies}" }} }} }} }}"#
    );
    let config = place.config(MENDED, &route);
    let (told, _) = place.replay(&config, &["--dry-run"]);
    assert!(read_all(&copies).is_empty());
    let (done, code) = place.replay(&config, &["--yes"]);
    assert_eq!(numbers(&told), numbers(&done));
    assert_eq!(code, Some(0));
    assert_eq!(done["routed"][&copies], 10);
    let (again, _) = place.replay(&config, &["--yes"]);
    assert_eq!(number(&again, "before"), 20);
    let sent = read_all(&copies);
    let sources: Vec<_> = sent
        .iter()
        .map(|r| r.header("millstream.source").unwrap())
        .collect();
    let expected: Vec<_> = (0..10)
        .map(|n| format!("{}/0/{}/0", place.topic, n * 2))
        .collect();
    assert_eq!(sources, expected);
}

#[test]
fn a_missing_topic_of_a_route_ends_the_replay_without_marks() {
    let place = Fixture::new(1);
    produce(
        &place.dead,
        [place.letter(0, r#"{"client":"a","kind":"both"}"#, &[])],
    );
    let route = r#"route = { plugin = "bundled:by-type", config = { default = { topic = "no-such-topic-at-all" } } }"#;
    let output = place.dlq(&place.config(MENDED, route), &["replay", "--yes"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("does not accept a record for topic no-such-topic-at-all"),
        "{error}"
    );
    assert_eq!(output.status.code(), Some(1));
    let (done, _) = place.replay(&place.config(MENDED, ""), &["--yes"]);
    assert_eq!(number(&done, "replayed"), 1);
}

#[test]
fn events_of_clients_that_are_away_are_suppressed_and_noted() {
    let place = Fixture::new(1);
    produce(
        &place.dead,
        (0..10).map(|n| place.letter(n, r#"{"client":"a"}"#, &[])),
    );
    let config = place.config(MENDED, "deliver = \"while-connected\"");
    let (told, _) = place.replay(&config, &["--dry-run"]);
    let (done, _) = place.replay(&config, &["--yes"]);
    assert_eq!(numbers(&told), numbers(&done));
    check_sum(&done);
    assert_eq!(
        (number(&done, "withheld"), number(&done, "streamed")),
        (10, 0)
    );
    assert!(place.entries().is_empty());
    let suppressed = format!("{}:{{0}}:withheld", place.prefix);
    let mut redis = servers().redis.connect();
    let noted: Vec<String> = redis::cmd("ZRANGE")
        .arg(suppressed)
        .arg(0)
        .arg(-1)
        .query(&mut redis)
        .unwrap();
    assert_eq!(noted, ["a"]);
}
