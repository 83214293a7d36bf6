//! Plugins of every kind that loop: other partitions still get their turns.

use super::{Fixture, LONG, counted, error, note, raw};
use millstream_tests::{Daemon, Message, guest, produce, versioned, wait_until};

const CALLS: &str = "millstream_plugin_calls_total";

fn record(value: &str) -> Message {
    Message::new(value).partition(0)
}

#[test]
fn a_route_that_loops_on_one_event_is_called_only_a_few_times() {
    let place = Fixture::new(1);
    let pipeline = "transform.plugin = \"plugins/p.wasm\"
route.plugin = \"plugins/r.wasm\"";
    let daemon = Daemon::builder(&place.config(pipeline))
        .file("plugins/p.wasm", guest("test-hostile"))
        .file("plugins/r.wasm", guest("test-routing"))
        .start();
    daemon.wait_ready(LONG);
    let calls = || counted(&daemon, CALLS, &["r.wasm\""]);
    let before = calls();
    produce(
        &place.topic,
        ["before", "make 300 loop", "after"].map(record),
    );
    let (stored, letters) = place.wait_for("victim", 2, 1);
    assert_eq!((stored.len(), letters.len()), (2, 1));
    assert_eq!(letters[0].text(), "make 300 loop");
    let said = ["class", "stage"].map(|name| error(&letters[0], name));
    assert_eq!(said, ["timeout", "route"]);
    let calls = calls() - before;
    assert!(calls <= 16.0, "{calls} calls");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_policy_that_loops_on_every_failure_does_not_block_other_partitions() {
    const LOOPS: usize = 300;
    let place = Fixture::new(2);
    let pipeline = "workers = 1
transform.plugin = \"bundled:notifications\"
dead-letter.plugin = \"plugins/p.wasm\"";
    let daemon = place.daemon(pipeline, &guest("test-ruling"));
    let calls = || counted(&daemon, CALLS, &["p.wasm\""]);
    let before = calls();
    produce(&place.topic, (0..LOOPS).map(|_| raw("loop")));
    wait_until("the policy is looping", LONG, || {
        (calls() > before).then_some(())
    });
    for n in 1..=3 {
        produce(&place.topic, [note("bob", "t", "m").partition(1)]);
        wait_until("the other partition continues", LONG, || {
            (place.sources("bob").len() == n).then_some(())
        });
    }
    let letters = place.letters().len();
    assert!(
        letters < LOOPS,
        "{letters} letters: the other partition waited for all"
    );
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn individually_slow_records_make_no_dead_letters_when_batched() {
    const RECORDS: usize = 48;
    let place = Fixture::new(1);
    // One record alone has enough time; 48 of them have less each.
    let pipeline = "transform = { plugin = \"plugins/p.wasm\", \
                    limits = { cpu-per-batch = \"500ms\", cpu-per-record = \"1ms\" } }";
    let daemon = place.daemon(pipeline, &versioned("slow"));
    let value = |n| format!(r#"{{"eventId":"{n}","clientId":"ada"}}"#);
    produce(&place.topic, (0..RECORDS).map(|n| record(&value(n))));
    let (stored, letters) = place.wait_for("ada", RECORDS, 0);
    let expected = (0..RECORDS).map(|n| format!("{}/0/{n}/0", place.topic));
    assert_eq!(stored, expected.collect::<Vec<_>>());
    assert_eq!(letters.len(), 0);
    assert_eq!(daemon.terminate(), Some(0));
}
