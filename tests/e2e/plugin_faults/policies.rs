//! The decisions of a dead-letter policy, each to its final effect.

use super::{Fixture, LONG, counted, error, note, raw};
use millstream_tests::{create_topic, guest, produce, read_all, wait_until};

const PIPELINE: &str = "transform.plugin = \"bundled:notifications\"
dead-letter.plugin = \"plugins/p.wasm\"";

#[test]
fn a_policy_sends_to_another_topic_with_a_changed_value_and_added_headers() {
    let (place, other) = (Fixture::new(1), create_topic("faults-other", 1));
    let pipeline = format!("{PIPELINE}\noutput-topics = [\"{other}\"]");
    let daemon = place.daemon(&pipeline, &guest("test-ruling"));
    let told = raw(&format!("to {other}"));
    produce(
        &place.topic,
        [told, raw("tombstone"), note("ada", "t", "m")],
    );
    let record = read_all(&place.topic).remove(0);
    let (_, plain) = place.wait_for("ada", 1, 1);
    let letter = read_all(&other).remove(0);
    assert_eq!(letter.text(), "malformed in transform");
    assert_eq!(letter.key, record.key);
    let own = record.headers.len();
    assert_eq!(letter.headers[..own], record.headers);
    let added = &letter.headers[letter.headers.len() - 2..];
    let expected = [Some(vec![0xff, 0]), None].map(|value| ("told".to_owned(), value));
    assert_eq!(added, expected);
    assert_eq!(letter.headers.len(), own + 14 + 2);
    assert_eq!(error(&letter, "class"), "malformed");
    assert_eq!(
        error(&letter, "own-value"),
        "true",
        "the record's header is lost"
    );
    assert_eq!(plain.len(), 1);
    assert_eq!((&plain[0].value, &plain[0].key), (&None, &record.key));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_policy_retries_a_record_before_the_records_behind_it() {
    let place = Fixture::new(1);
    let daemon = place.daemon(PIPELINE, &guest("test-ruling"));
    let before = note("ada", "t", "before");
    produce(
        &place.topic,
        [before, raw("again please"), note("ada", "t", "behind")],
    );
    let (stored, letters) = place.wait_for("ada", 2, 1);
    let records = read_all(&place.topic);
    assert_eq!(stored, [0, 2].map(|n: usize| place.source(&records[n])));
    assert_eq!(letters.len(), 1);
    place.check_letter(&records[1], &letters[0], "malformed", "transform");
    assert_eq!(error(&letters[0], "attempts"), "3");
    let count = |action| counted(&daemon, "millstream_dead_letters_total", &[action]);
    assert_eq!(count("action=\"retry\""), 2.0);
    assert_eq!(count("action=\"topic\""), 1.0);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_record_dropped_by_a_policy_is_counted() {
    let place = Fixture::new(1);
    let daemon = place.daemon(PIPELINE, &guest("test-ruling"));
    produce(
        &place.topic,
        [
            raw("drop"),
            note("ada", "t", "m"),
            raw("drop"),
            raw("plain"),
        ],
    );
    let (stored, letters) = place.wait_for("ada", 1, 1);
    assert_eq!((stored.len(), letters.len()), (1, 1));
    assert_eq!(letters[0].text(), "plain");
    wait_until("both records are counted", LONG, || {
        let dropped = ["action=\"drop\""];
        let dropped = counted(&daemon, "millstream_dead_letters_total", &dropped);
        (dropped == 2.0).then_some(())
    });
    assert_eq!(counted(&daemon, "millstream_failures_total", &[]), 3.0);
    assert_eq!(daemon.terminate(), Some(0));
}
