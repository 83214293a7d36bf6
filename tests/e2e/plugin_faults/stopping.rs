//! SIGTERM while a plugin breaks on one record after another.

use super::{Fixture, LONG, counted, error};
use millstream_tests::{Consumed, Message, guest, produce, wait_until};

#[test]
fn a_daemon_stops_while_its_plugin_loops_and_the_next_start_continues_from_the_ledger() {
    const LOOPS: usize = 512;
    let place = Fixture::new(1);
    let pipeline = "transform.plugin = \"plugins/p.wasm\"";
    let mut daemon = place.daemon(pipeline, &guest("test-hostile"));
    let good = |text: &str| Message::new(text).partition(0);
    produce(&place.topic, [good("before")]);
    place.wait_for("victim", 1, 0);
    let calls = || counted(&daemon, "millstream_plugin_calls_total", &["p.wasm\""]);
    let before = calls();
    // Finding that each of them loops takes a thousand calls of 100 ms.
    produce(&place.topic, (0..LOOPS).map(|_| good("loop")));
    produce(&place.topic, [good("behind")]);
    wait_until("the plugin is looping", LONG, || {
        (calls() > before).then_some(())
    });
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(place.sources("victim").len(), 1);
    assert!(
        place.letters().len() < LOOPS,
        "all records were processed before the stop"
    );

    // With a plugin that handles them.
    std::fs::write(daemon.dir().join("plugins/p.wasm"), guest("test-panicking")).unwrap();
    daemon.restart();
    let (stored, letters) = wait_until("every record is processed", LONG, || {
        let (stored, letters) = (place.sources("victim"), place.letters());
        (stored.len() + letters.len() >= LOOPS + 2).then_some((stored, letters))
    });
    println!("{} were cut before it stopped", letters.len());
    let offset = |letter: &Consumed| error(letter, "offset").parse::<usize>().unwrap();
    let cut: Vec<_> = letters.iter().map(offset).collect();
    let rest = (0..LOOPS + 2).filter(|n| !cut.contains(n));
    let expected = rest.map(|n| format!("{}/0/{n}/0", place.topic));
    assert_eq!(stored, expected.collect::<Vec<_>>());
    assert_eq!(daemon.terminate(), Some(0));
}
