//! A dead-letter policy that breaks on a failure: the built-in one takes over.

use super::{Fixture, counted, error, note, raw};
use millstream_tests::{Consumed, guest, produce, read_all};

/// Values that break it. "too few" and "too many" are far apart: the answers for a range with only
/// both would have the right total.
const BREAKS: [&str; 20] = [
    "too few",
    "trap",
    "panic",
    "loop",
    "grow",
    "recurse",
    "unknown action",
    "topic empty",
    "topic slash",
    "topic dots",
    "topic long",
    "topic no text",
    "topic outside",
    "value outside",
    "headers outside",
    "many headers",
    "header without a name",
    "header with a NUL",
    "gigabyte answer",
    "too many",
];

const PIPELINE: &str = "transform.plugin = \"bundled:notifications\"
dead-letter.plugin = \"plugins/p.wasm\"";

#[test]
fn a_record_that_breaks_the_policy_is_a_plain_dead_letter_and_counted_once() {
    let place = Fixture::new(1);
    let daemon = place.daemon(PIPELINE, &guest("test-ruling"));
    let mut messages = Vec::new();
    for breaks in BREAKS {
        messages.extend([note("ada", "t", "hi"), raw(breaks), raw("plain")]);
    }
    // A header name that is reserved for the host.
    messages.extend([raw("header of the host"), note("ada", "t", "last")]);
    produce(&place.topic, messages);
    let records = read_all(&place.topic);
    let is_note = |record: &&Consumed| record.text().starts_with('{');
    let failed = 2 * BREAKS.len() + 1;
    let (stored, letters) = place.wait_for("ada", BREAKS.len() + 1, failed);
    let expected: Vec<_> = records
        .iter()
        .filter(is_note)
        .map(|record| place.source(record))
        .collect();
    assert_eq!(
        stored, expected,
        "the neighbours' events, once and in order"
    );
    assert_eq!(
        letters.len(),
        failed,
        "one letter for each record, none for a letter"
    );
    let originals = records.iter().filter(|record| !is_note(record));
    for (record, letter) in originals.zip(&letters) {
        place.check_letter(record, letter, "malformed", "transform");
        assert_eq!(error(letter, "plugin"), "bundled:notifications");
        assert_eq!(error(letter, "attempts"), "1");
        let added = letter.headers.len() - record.headers.len();
        assert_eq!(added, 13, "the host's headers and none of the policy's");
    }
    let count = |name, labels: &[&str]| counted(&daemon, name, labels);
    let broke = (BREAKS.len() + 1) as f64;
    assert_eq!(
        count("millstream_dead_letter_plugin_failures_total", &[]),
        broke
    );
    let failed = failed as f64;
    assert_eq!(count("millstream_failures_total", &[]), failed);
    let to_topic = ["action=\"topic\""];
    assert_eq!(count("millstream_dead_letters_total", &to_topic), failed);
    for line in daemon.log().lines() {
        let long = line.chars().count();
        assert!(long < 3000, "a line of {long}: {line:.200}");
    }
    assert_eq!(daemon.terminate(), Some(0));
}
