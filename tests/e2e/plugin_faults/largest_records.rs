//! Records of the largest size that a pipeline allows.

use super::{Fixture, error, note, peak};
use millstream_tests::{Message, produce, read_all};

const LIMIT: usize = 16 << 20;
const ROUNDS: usize = 3;
/// The daemon's peak memory limit, in MiB.
const MEMORY: u64 = 768;

#[test]
fn records_of_sixteen_mebibytes_are_processed_or_become_complete_dead_letters() {
    let place = Fixture::with(1, &[("max.message.bytes", "20000000")]);
    // A plugin needs more than the default memory for this many bytes.
    let pipeline = "batch = { max-record-bytes = \"16MiB\" }
transform = { plugin = \"bundled:notifications\", limits = { cpu-per-record = \"10s\" } }";
    let daemon = place.daemon(pipeline, b"");
    let text = "x".repeat(LIMIT - 4096);
    let messages = (0..ROUNDS).flat_map(|_| {
        [
            note("ada", "large", &text),
            note("ada", "small", "m"),
            Message::new(vec![b'['; LIMIT]).partition(0),
            Message::new(vec![b'{'; LIMIT + 1]).partition(0),
            note("ada", "small", "m"),
        ]
    });
    for message in messages {
        produce(&place.topic, [message]);
    }
    let (stored, letters) = place.wait_for("ada", 3 * ROUNDS, 2 * ROUNDS);
    println!("the daemon's peak was {} MiB", peak(&daemon));
    let records = read_all(&place.topic);
    let expected = (0..5 * ROUNDS).filter(|n| matches!(n % 5, 0 | 1 | 4));
    let expected: Vec<_> = expected.map(|n| place.source(&records[n])).collect();
    assert_eq!(stored, expected);
    assert_eq!(letters.len(), 2 * ROUNDS);
    for round in 0..ROUNDS {
        let (malformed, large) = (&letters[2 * round], &letters[2 * round + 1]);
        place.check_letter(&records[5 * round + 2], malformed, "malformed", "transform");
        place.check_letter(&records[5 * round + 3], large, "too-large", "ingest");
        let says = "the record has 16777217 bytes, max-record-bytes is 16777216";
        assert_eq!(error(large, "message"), says);
    }
    assert!(peak(&daemon) < MEMORY, "{} MiB", peak(&daemon));
    assert_eq!(daemon.terminate(), Some(0));
}
