//! Small answers that expand to much, and large ones of which little is used: both count against
//! the memory limit.

use super::{Fixture, LONG, counted, error, note, peak, raw};
use millstream_tests::{Daemon, Message, guest, produce, wait_until};

/// The daemon's peak memory limit, in MiB.
const MEMORY: u64 = 400;
/// Each of them would expand to 25 MiB.
const WIDE: usize = 30;

/// Waits for this many letters, and watches the memory meanwhile.
fn letters_within(daemon: &Daemon, place: &Fixture, letters: usize) {
    wait_until("every record is processed", LONG, || {
        assert!(peak(daemon) < MEMORY, "{} MiB", peak(daemon));
        (place.letters().len() >= letters).then_some(())
    });
    println!("the daemon's peak was {} MiB", peak(daemon));
}

#[test]
fn route_headers_sharing_one_large_span_are_counted_separately() {
    let place = Fixture::new(1);
    let pipeline = "transform.plugin = \"bundled:notifications\"
route.plugin = \"plugins/p.wasm\"";
    let daemon = place.daemon(pipeline, &guest("test-routing"));
    let wide = (0..WIDE).map(|_| note("ada", "wide", "m"));
    produce(&place.topic, wide.chain([note("ada", "t", "last")]));
    letters_within(&daemon, &place, WIDE);
    let (stored, letters) = place.wait_for("ada", 1, WIDE);
    assert_eq!((stored.len(), letters.len()), (1, WIDE));
    for letter in &letters {
        let said = ["class", "stage"].map(|name| error(letter, name));
        assert_eq!(said, ["too-large", "route"], "{}", error(letter, "message"));
    }
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn policy_headers_sharing_one_large_span_are_counted_separately() {
    let place = Fixture::new(1);
    let pipeline = "transform.plugin = \"bundled:notifications\"
dead-letter.plugin = \"plugins/p.wasm\"";
    let daemon = place.daemon(pipeline, &guest("test-ruling"));
    let wide = (0..WIDE).map(|_| raw("wide"));
    produce(&place.topic, wide.chain([note("ada", "t", "last")]));
    letters_within(&daemon, &place, WIDE);
    let (stored, letters) = place.wait_for("ada", 1, WIDE);
    assert_eq!((stored.len(), letters.len()), (1, WIDE));
    assert!(letters.iter().all(|letter| letter.header("wide").is_none()));
    let broke = "millstream_dead_letter_plugin_failures_total";
    assert_eq!(counted(&daemon, broke, &[]), WIDE as f64);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn few_answers_with_much_unused_data_are_held_at_once() {
    const RECORDS: usize = 200;
    let place = Fixture::new(1);
    let pipeline = "transform = { plugin = \"plugins/p.wasm\", \
                    limits = { cpu-per-batch = \"5s\" } }";
    let mut daemon = place.daemon(pipeline, &guest("test-hostile"));
    // All records exist before the start: they form one batch, with one call each.
    assert_eq!(daemon.terminate(), Some(0));
    let ballast = |_| Message::new("ballast").partition(0);
    produce(&place.topic, (0..RECORDS).map(ballast));
    daemon.restart();
    let (stored, letters) = place.wait_for("victim", RECORDS, 0);
    println!("the daemon's peak was {} MiB", peak(&daemon));
    let expected = (0..RECORDS).map(|n| format!("{}/0/{n}/0", place.topic));
    assert_eq!(stored, expected.collect::<Vec<_>>());
    assert_eq!(letters.len(), 0);
    assert!(peak(&daemon) < MEMORY, "{} MiB", peak(&daemon));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn records_with_a_thousand_events_each_are_stored_a_few_at_a_time() {
    const RECORDS: usize = 40;
    let place = Fixture::new(1);
    let pipeline = "transform = { plugin = \"plugins/p.wasm\", \
                    limits = { cpu-per-batch = \"5s\" } }";
    let mut daemon = place.daemon(pipeline, &guest("test-hostile"));
    // All records exist before the start: they could form one batch.
    assert_eq!(daemon.terminate(), Some(0));
    let record = |value: &str| Message::new(value).partition(0);
    let records = (0..RECORDS).map(|n| match n {
        20 => record("make 1001 t"),
        _ => record("make 1000 t"),
    });
    produce(&place.topic, records);
    daemon.restart();
    daemon.wait_ready(LONG);
    let events = (RECORDS - 1) as f64 * 1000.0;
    wait_until("every event is stored", LONG, || {
        (counted(&daemon, "millstream_events_total", &[]) >= events).then_some(())
    });
    let batches = counted(&daemon, "millstream_batches_total", &[]);
    println!(
        "{events} events in {batches} batches, {} MiB",
        peak(&daemon)
    );
    assert!(batches >= 4.0, "{batches} batches of {events} events");
    assert_eq!(counted(&daemon, "millstream_events_total", &[]), events);
    let letters = place.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].text(), "make 1001 t");
    let said = ["class", "stage"].map(|name| error(&letters[0], name));
    assert_eq!(said, ["too-large", "transform"]);
    assert!(peak(&daemon) < MEMORY, "{} MiB", peak(&daemon));
    assert_eq!(daemon.terminate(), Some(0));
}
