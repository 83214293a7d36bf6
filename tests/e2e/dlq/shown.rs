//! `millstream dlq show`.

use super::{Fixture, LONG, MENDED};
use millstream_tests::{Daemon, Message, produce};
use serde_json::{Value, json};

#[test]
fn a_letter_with_any_bytes_is_shown_whole() {
    let place = Fixture::new(1);
    let mut record = Message::new(*b"\x00\xff not \x1b[31m JSON\n").key(*b"k\xff");
    record = record.header("trace", *b"\x00\xff").header("trace", "two");
    record.headers.push(("absent".into(), None));
    let tombstone = Message::tombstone("k").partition(0);
    place.fail(vec![record.partition(0), tombstone]);
    let config = place.config(MENDED, "");
    let at = |offset: u32| format!("{}/0/{offset}", place.dead);

    let text = place.dlq(&config, &["show", &at(0)]);
    let text = String::from_utf8(text.stdout).unwrap();
    println!("{text}");
    for line in [
        "class:   malformed",
        "stage:   transform",
        "plugin:  bundled:by-field (",
        &format!("record:  {}/0/0, timestamp 2", place.topic),
        &format!("group:   {}", place.prefix),
        "key:     k\\xff",
        "header:  trace = \\x00\\xff",
        "header:  trace = two",
        "header:  absent = -",
        "value (18 bytes, not UTF-8):",
        "00000000  00 ff 20 6e 6f 74 20 1b  5b",
    ] {
        assert!(text.replace("1b 5b", "1b  5b").contains(line), "{line}");
    }

    let raw = place.dlq(&config, &["show", &at(0), "--raw"]);
    assert_eq!(raw.stdout, b"\x00\xff not \x1b[31m JSON\n");
    let whole = place.dlq(&config, &["show", &at(0), "--json"]);
    let whole: Value = serde_json::from_slice(&whole.stdout).unwrap();
    assert_eq!(
        whole["value"],
        json!({ "base64": "AP8gbm90IBtbMzFtIEpTT04K" })
    );
    assert_eq!(whole["key"], json!({ "base64": "a/8=" }));
    let own = &whole["headers"].as_array().unwrap()[..3];
    assert_eq!(
        own[0],
        json!({ "name": "trace", "value": { "base64": "AP8=" } })
    );
    assert_eq!(own[2], json!({ "name": "absent", "value": null }));

    let text = place.dlq(&config, &["show", &at(1)]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("value:   - (a tombstone)"), "{text}");
}

#[test]
fn a_letter_with_a_value_written_by_the_policy_says_so_and_is_not_replayed() {
    let place = Fixture::new(1);
    let policy = r#"dead-letter = { plugin = "bundled:json-envelope" }"#;
    produce(&place.topic, [Message::new("no JSON").partition(0)]);
    let daemon = Daemon::ready(&place.config(MENDED, policy));
    place.wait_for_letters(1);
    assert_eq!(daemon.terminate_within(LONG), Some(0));
    let config = place.config(MENDED, policy);
    let text = place.dlq(&config, &["show", &format!("{}/0/0", place.dead)]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("written by the dead-letter policy"), "{text}");
    for through in ["plugin", "topic"] {
        let arguments = ["--yes", "--force", "--through", through];
        let (report, code) = place.replay(&config, &arguments);
        assert_eq!(report["refused"][0]["reason"], "value-replaced");
        assert_eq!(code, Some(1));
    }
}

#[test]
fn missing_letters_and_topics_are_reported() {
    let place = Fixture::new(1);
    produce(&place.dead, [Message::new("no letter").partition(0)]);
    let config = place.config(MENDED, "");
    for (letter, code, says) in [
        (format!("{}/0/0", place.dead), 1, "is not a dead letter"),
        (format!("{}/0/1", place.dead), 1, "no record at"),
        (format!("{}/7/0", place.dead), 1, "no record at"),
        (
            "no-such-topic/0/0".into(),
            1,
            "Kafka has no topic no-such-topic",
        ),
        (
            "nonsense".into(),
            64,
            "expected <topic>/<partition>/<offset>",
        ),
    ] {
        let output = place.dlq(&config, &["show", &letter]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(says), "{letter}: {error}");
        assert_eq!(output.status.code(), Some(code), "{error}");
    }
    let raw = place.dlq(&config, &["show", "--raw", &format!("{}/0/0", place.dead)]);
    assert_eq!(raw.stdout, b"no letter", "raw shows any record");
}
