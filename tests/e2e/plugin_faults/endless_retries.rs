//! A policy that always retries.

use super::{Fixture, LONG, counted, error, note, raw};
use millstream_tests::{guest, produce, read_all, wait_until};

#[test]
fn endless_retries_are_capped_and_delay_only_their_partition() {
    let place = Fixture::new(2);
    let pipeline = "workers = 1
retry = { max-attempts = 5, max-delay = \"2s\" }
transform.plugin = \"bundled:notifications\"
dead-letter.plugin = \"plugins/p.wasm\"";
    let daemon = place.daemon(pipeline, &guest("test-ruling"));
    produce(
        &place.topic,
        [raw("forever"), note("ada", "t", "behind"), raw("plain")],
    );
    let tried = || {
        counted(
            &daemon,
            "millstream_dead_letters_total",
            &["action=\"retry\""],
        )
    };
    wait_until("the record is retried", LONG, || {
        (tried() > 0.0).then_some(())
    });
    produce(
        &place.topic,
        (0..20).map(|_| note("bob", "t", "m").partition(1)),
    );
    wait_until("the other partition continues", LONG, || {
        (place.sources("bob").len() == 20).then_some(())
    });
    let (behind, letters) = (place.sources("ada"), place.letters());
    assert!(tried() < 4.0, "the retries ended before the test");
    assert_eq!(
        (behind.len(), letters.len()),
        (0, 0),
        "the records behind it wait"
    );

    let (stored, letters) = place.wait_for("ada", 1, 2);
    let records = read_all(&place.topic);
    assert_eq!(stored, [place.source(&records[1])]);
    let told: Vec<_> = letters
        .iter()
        .map(|letter| (letter.text(), error(letter, "attempts")))
        .collect();
    assert_eq!(told, [("forever", "5"), ("plain", "1")]);
    place.check_letter(&records[0], &letters[0], "malformed", "transform");
    assert_eq!(tried(), 4.0);
    let broke = "millstream_dead_letter_plugin_failures_total";
    assert_eq!(counted(&daemon, broke, &[]), 0.0);
    assert_eq!(daemon.terminate(), Some(0));
}
