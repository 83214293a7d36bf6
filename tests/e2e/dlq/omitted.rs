//! Letters without their record's value, which is too large for the dead-letter topic.

use super::{Fixture, MENDED, counts, number};
use millstream_tests::{Message, produce, scratch_dir, servers, unique};
use serde_json::Value;

/// A fixture whose dead-letter topic accepts 5,000 bytes, with the letter of a larger record.
fn place() -> (Fixture, Vec<u8>) {
    let topic = servers().kafka.create_topic("omitted", 1);
    let dead = format!("{topic}-dlq");
    let small = [("max.message.bytes", "5000")];
    servers().kafka.create_topic_named(&dead, 1, &small);
    let (prefix, dir) = (unique("dlq"), scratch_dir("dlq"));
    let place = Fixture {
        topic,
        dead,
        prefix,
        dir,
    };
    // No two parts are equal, so that the record stays too large when compressed.
    let words: Vec<String> = (0..4_000_u64)
        .map(|n| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
        .collect();
    let text = words.join("-");
    let value = format!(r#"{{"client":"a","kind":"mail","text":"{text}"}}"#).into_bytes();
    let record = Message::new(value.clone()).key("k").header("trace", "1");
    place.fail(vec![record.partition(0)]);
    (place, value)
}

#[test]
fn an_omitted_record_is_shown_and_replayed_from_its_topic() {
    let (place, value) = place();
    let config = place.config(MENDED, "");
    let letter = format!("{}/0/0", place.dead);
    let shown = |more: &[&str]| place.dlq(&config, &[&["show", &letter], more].concat());

    let text = String::from_utf8(shown(&[]).stdout).unwrap();
    assert!(text.contains("omitted: value: the record of"), "{text}");
    assert!(
        text.contains(&format!("value ({} bytes)", value.len())),
        "{text}"
    );
    assert_eq!(shown(&["--raw"]).stdout, value);
    let whole: Value = serde_json::from_slice(&shown(&["--json"]).stdout).unwrap();
    assert_eq!(whole["omitted"], "value");
    assert_eq!(whole["value"].as_str().map(str::len), Some(value.len()));

    let (done, code) = place.replay(&config, &["--yes"]);
    assert_eq!((number(&done, "replayed"), code), (1, Some(0)));
    assert_eq!(place.sources(), place.expected([(0, 0)]));
    let data = &place.entries()[0].data;
    assert!(data.contains("text"), "the whole record");
}

#[test]
fn an_omitted_record_is_sent_to_its_topic_whole() {
    let (place, value) = place();
    let config = place.config(MENDED, "replays = true");
    let (done, code) = place.replay(&config, &["--yes", "--through", "topic"]);
    assert_eq!(code, Some(0), "{done}");
    let again = millstream_tests::read_all(&place.topic).remove(1);
    assert_eq!(
        (again.value, again.key.as_deref()),
        (Some(value), Some(&b"k"[..]))
    );
    assert_eq!(again.headers[0].0, "trace");
    assert!(
        again
            .headers
            .iter()
            .all(|(name, _)| !name.contains("omitted"))
    );
}

#[test]
fn an_omitted_record_that_was_removed_is_reported_and_not_replayed() {
    let (place, _) = place();
    let config = place.config(MENDED, "");
    servers().kafka.delete_records(&place.topic, 0, 1);
    let letter = format!("{}/0/0", place.dead);
    for how in [
        &["show", &*letter][..],
        &["show", &letter, "--raw"],
        &["show", &letter, "--json"],
    ] {
        let output = place.dlq(&config, how);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains("lacks its record")
                && error.contains("retention removed it, or its topic was deleted"),
            "{error}"
        );
        assert_eq!(output.status.code(), Some(1));
    }
    let (report, code) = place.replay(&config, &["--yes", "--force"]);
    assert_eq!(counts(&report, "refused", "reason")["record-gone"], 1);
    assert_eq!((number(&report, "replayed"), code), (0, Some(1)));
}

#[test]
fn another_record_at_the_same_offset_is_not_replayed_instead() {
    let (place, _) = place();
    let config = place.config(MENDED, "");
    servers().kafka.delete_topic(&place.topic);
    servers().kafka.create_topic_named(&place.topic, 1, &[]);
    produce(&place.topic, [super::note("a", 0).partition(0)]);
    let (report, _) = place.replay(&config, &["--yes"]);
    assert_eq!(counts(&report, "refused", "reason")["record-gone"], 1);
    let why = report["refused"][0]["why"].as_str().unwrap();
    assert!(why.contains("its digest differs"), "{why}");
    assert!(place.entries().is_empty());
}
