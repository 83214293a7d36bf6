//! Missing addresses, topics and names: each gets one clear error within seconds.

use super::{Fixture, MENDED};
use millstream_tests::{servers, unique};
use std::time::{Duration, Instant};

#[test]
fn unreachable_servers_and_missing_topics_are_reported_within_seconds() {
    let place = Fixture::new(1);
    let good = place.config(MENDED, "");
    let no_kafka = good.replace(&servers().kafka.bootstrap(), "127.0.0.1:1");
    let no_redis = good.replace(&servers().redis.url(), "redis://127.0.0.1:1");
    let shown = format!("{}/0/0", place.dead);
    for (config, arguments, says) in [
        (
            &no_kafka,
            &["list"][..],
            "no answer from Kafka at 127.0.0.1:1",
        ),
        (
            &no_kafka,
            &["show", &shown],
            "no answer from Kafka at 127.0.0.1:1",
        ),
        (
            &no_kafka,
            &["replay", "--yes"],
            "no answer from Kafka at 127.0.0.1:1",
        ),
        (&no_redis, &["replay", "--yes"], "the store does not answer"),
        (
            &no_redis,
            &["replay", "--dry-run"],
            "the store does not answer",
        ),
        (
            &good,
            &["list", "--topic", "no-such"],
            "Kafka has no topic no-such",
        ),
        (
            &good,
            &["replay", "--yes", "--topic", "no-such"],
            "Kafka has no topic no-such",
        ),
    ] {
        let began = Instant::now();
        let output = place.dlq(config, arguments);
        let took = began.elapsed();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(says), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(output.stdout, b"");
        assert!(took < Duration::from_secs(5), "{arguments:?} took {took:?}");
    }
}

#[test]
fn a_dead_letter_topic_that_does_not_exist_yet_is_reported() {
    let place = Fixture::new(1);
    let fresh = unique("fresh");
    let config = place.config(MENDED, "").replace(&place.topic, &fresh);
    let output = place.dlq(&config, &["list"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("nothing has failed yet") && error.contains("--topic"),
        "{error}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn conflicting_or_invalid_arguments_are_usage_errors() {
    let place = Fixture::new(1);
    let one = place.config(MENDED, "");
    let two = format!("{one}\n[[pipeline]]\nname = \"two\"\ntopics = [\"other\"]\n");
    for (config, arguments, says) in [
        (
            &two,
            &["replay", "--dry-run"][..],
            "several pipelines are configured (notes, two)",
        ),
        (
            &one,
            &["list", "--pipeline", "nope"],
            "unknown pipeline `nope`; the configuration has: notes",
        ),
        (
            &one,
            &["replay", "--dry-run", "--to", "x"],
            "--to needs --through topic",
        ),
        (
            &one,
            &["list", "--since", "yesterday"],
            "expected a time such as",
        ),
        (
            &one,
            &["list", "--class", "mallformed"],
            "unknown class `mallformed`; did you mean `malformed`?",
        ),
        (
            &one,
            &["list", "--class", "trap,"],
            "unknown class ``; expected one of: rejected, malformed, ",
        ),
        (&one, &["list", "--offset", "1"], "--partition"),
        (&one, &["replay", "--yes", "--rate", "0"], "0 is not in 1.."),
    ] {
        let output = place.dlq(config, arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(says), "{arguments:?}: {error}");
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {error}");
    }
}
