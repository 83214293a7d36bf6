//! A route that breaks on an event: only its record fails, with all its events.

use super::{Fixture, counted, error, note};
use millstream_tests::{Consumed, guest, produce, read_all};

/// The plugin's instruction, the class of the failure, and a part of its message.
const BREAKS: [(&str, &str, &str); 15] = [
    ("too few", "bad-output", "0 decisions for 1 events"),
    ("trap", "trap", "unreachable"),
    ("loop", "timeout", "CPU time"),
    ("grow", "out-of-memory", "exceeded its memory limit"),
    ("recurse", "trap", "the plugin trapped"),
    ("unknown mode", "bad-output", "delivery mode"),
    ("refused", "unroutable", "not  to be routed"),
    ("refused outside", "unroutable", ""),
    ("topic empty", "bad-output", "invalid topic name ``"),
    ("topic slash", "bad-output", "invalid topic name `a/b`"),
    ("topic long", "bad-output", "invalid topic name `tttt"),
    ("topic outside", "bad-output", "lies outside"),
    (
        "key outside",
        "bad-output",
        "key, value or header lies outside",
    ),
    ("headers outside", "bad-output", "headers lie outside"),
    ("gigabyte answer", "bad-output", "out of bounds"),
];

#[test]
fn a_route_that_breaks_on_an_event_fails_only_that_record() {
    let place = Fixture::new(1);
    let pipeline = "transform.plugin = \"bundled:notifications\"
route.plugin = \"plugins/p.wasm\"";
    let daemon = place.daemon(pipeline, &guest("test-routing"));
    let mut messages = Vec::new();
    for (told, ..) in BREAKS {
        messages.extend([note("ada", "good", "m"), note("ada", told, "m").key("k")]);
    }
    // Far from "too few", so that the two totals never cancel out.
    let too_many = ("too many", "bad-output", "2 decisions for 1 events");
    messages.extend([note("ada", "too many", "m"), note("ada", "good", "m")]);
    produce(&place.topic, messages);
    let breaks: Vec<_> = BREAKS.into_iter().chain([too_many]).collect();
    let (stored, letters) = place.wait_for("ada", breaks.len(), breaks.len());
    let records = read_all(&place.topic);
    let good = |record: &&Consumed| record.text().contains("\"good\"");
    let expected: Vec<_> = records
        .iter()
        .filter(good)
        .map(|r| place.source(r))
        .collect();
    assert_eq!(
        stored, expected,
        "the neighbours' events, once and in order"
    );
    assert_eq!(letters.len(), breaks.len());
    let failed = records.iter().filter(|record| !good(record));
    for ((record, letter), (told, class, says)) in failed.zip(&letters).zip(breaks) {
        let message = error(letter, "message");
        println!("{told}: {class}: {message:.80}");
        place.check_letter(record, letter, class, "route");
        assert!(error(letter, "plugin").ends_with("plugins/p.wasm"));
        assert!(message.contains(says), "{message} does not contain {says}");
    }
    let route = ["stage=\"route\""];
    let failures = counted(&daemon, "millstream_failures_total", &route);
    assert_eq!(failures, letters.len() as f64);
    assert_eq!(daemon.terminate(), Some(0));
}
