//! The cost of finding the record that breaks a plugin.

use super::{Fixture, LONG, counted, error};
use millstream_tests::{Message, guest, produce, wait_until};

const CALLS: &str = "millstream_plugin_calls_total";
const BATCHES: &str = "millstream_batches_total";

#[test]
fn one_quiet_trap_among_512_records_is_found_in_a_few_calls() {
    let place = Fixture::new(1);
    let pipeline = "transform.plugin = \"plugins/p.wasm\"";
    let daemon = place.daemon(pipeline, &guest("test-hostile"));
    let plugin = ["plugin=\"", "p.wasm\""];
    let before = counted(&daemon, CALLS, &plugin);
    let value = |n| match n {
        300 => "trap quietly".to_owned(),
        _ => format!("good {n}"),
    };
    let messages = (0..512).map(|n| Message::new(value(n)).partition(0));
    produce(&place.topic, messages);
    let (stored, letters) = place.wait_for("victim", 511, 1);
    assert_eq!((stored.len(), letters.len()), (511, 1));
    assert_eq!(letters[0].text(), "trap quietly");
    wait_until("the batches are counted", LONG, || {
        let records = counted(&daemon, "millstream_records_total", &[]);
        (records >= 512.0).then_some(())
    });
    let calls = counted(&daemon, CALLS, &plugin) - before;
    let batches = counted(&daemon, BATCHES, &[]);
    println!("{batches} batches, {calls} calls");
    // Two calls for each halving, and 512 is halved nine times; and one more for the record alone
    // if its instance had served its neighbour.
    assert!(
        calls - batches <= 19.0,
        "{calls} calls for {batches} batches"
    );
    assert!(calls <= 64.0, "{calls} calls");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_plugin_that_panics_on_five_thousand_records_fails_only_those_records() {
    const RECORDS: usize = 5000;
    let place = Fixture::new(1);
    let messages = (0..RECORDS).map(|n| Message::new(format!("panic {n}")).partition(0));
    produce(&place.topic, messages);
    produce(&place.topic, [Message::new("the end").partition(0)]);
    let pipeline = "batch = { max-records = 10000, max-bytes = \"16MiB\" }
transform.plugin = \"plugins/p.wasm\"";
    let daemon = place.daemon(pipeline, &guest("test-panicking"));
    wait_until("all records have failed", LONG, || {
        let failures = counted(&daemon, "millstream_failures_total", &[]);
        (failures >= RECORDS as f64).then_some(())
    });
    let (stored, letters) = place.wait_for("victim", 1, RECORDS);
    assert_eq!((stored.len(), letters.len()), (1, RECORDS));
    for (n, letter) in letters.iter().enumerate() {
        let told = format!("told to panic {n}");
        assert!(error(letter, "message").ends_with(&told), "{told}");
        assert_eq!(letter.text(), format!("panic {n}"));
    }
    println!("{} batches", counted(&daemon, BATCHES, &[]));
    assert_eq!(daemon.terminate(), Some(0));
}
