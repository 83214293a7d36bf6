//! Answers that no correct plugin gives, and a call that never returns.

use super::{Fixture, error, peak};
use millstream_tests::{Consumed, Message, guest, produce, read_all};

/// The plugin's instruction, the class of the failure, and a part of its message.
const FORGED: [(&str, &str, &str); 15] = [
    ("gigabyte arena", "bad-output", "out of bounds"),
    ("gigabytes of events", "bad-output", "out of bounds"),
    ("unaligned events", "bad-output", "aligned"),
    ("arena outside", "bad-output", "out of bounds"),
    ("span overflow", "too-large", "bytes of events"),
    ("decreasing", "bad-output", "decrease"),
    (
        "failure of nobody",
        "bad-output",
        "record 7000000, but the call had 1",
    ),
    ("failure outside", "malformed", ""),
    ("unknown class", "bad-output", "victim"),
    ("both", "malformed", "victim"),
    ("blame the first", "trap", "it was the first"),
    ("blame the last", "trap", "it was the last"),
    ("deep", "trap", "call stack exhausted"),
    ("long words", "trap", "long long"),
    (
        "endless words",
        "too-large",
        "answer of the plugin is too large",
    ),
];

/// With enough CPU time for the endless words on a slow machine: 40 MiB of them.
const PIPELINE: &str = r#"
transform = { plugin = "plugins/p.wasm", limits = { cpu-per-batch = "60s" } }"#;

/// The daemon's peak memory limit, in MiB.
const MEMORY: u64 = 600;

#[test]
fn each_forged_answer_fails_only_its_record_and_allocates_little_memory() {
    let place = Fixture::new(1);
    let daemon = place.daemon(PIPELINE, &guest("test-forger"));
    let value = |text: String| Message::new(text).partition(0);
    let mut messages = Vec::new();
    for (forged, ..) in FORGED {
        messages.push(value(format!("good before {forged}")));
        messages.push(super::raw(forged));
        messages.push(value(format!("good after {forged}")));
    }
    produce(&place.topic, messages);
    let records = read_all(&place.topic);
    let good = |record: &&Consumed| record.text().starts_with("good");
    let (stored, letters) = place.wait_for("victim", 2 * FORGED.len(), FORGED.len());
    let expected: Vec<_> = records
        .iter()
        .filter(good)
        .map(|r| place.source(r))
        .collect();
    assert_eq!(
        stored, expected,
        "the neighbours' events, once and in order"
    );
    assert_eq!(letters.len(), FORGED.len());
    let forged = records.iter().filter(|record| !good(record));
    for ((record, letter), (_, class, says)) in forged.zip(&letters).zip(FORGED) {
        let message = error(letter, "message");
        println!("{}: {class}: {:.80}", record.text(), message);
        place.check_letter(record, letter, class, "transform");
        assert!(message.contains(says), "{message} does not contain {says}");
        assert!(!message.contains('\n'), "one line: {message}");
    }
    println!("the daemon's peak was {} MiB", peak(&daemon));
    assert!(peak(&daemon) < MEMORY, "{} MiB", peak(&daemon));
    assert_eq!(daemon.terminate(), Some(0));
}
