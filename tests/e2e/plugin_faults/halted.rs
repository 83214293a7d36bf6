//! A policy that halts the partition.

use super::{Fixture, LONG, note, raw};
use millstream_tests::{Daemon, Message, get, guest, produce, read_all, servers, wait_until};

#[test]
fn a_halted_partition_says_why_and_waits_and_the_others_go_on() {
    let place = Fixture::new(2);
    let pipeline = "workers = 1
transform.plugin = \"bundled:notifications\"";
    let halting = format!("{pipeline}\ndead-letter.plugin = \"plugins/p.wasm\"");
    let mut daemon = place.daemon(&halting, &guest("test-ruling"));
    let stopped = [
        note("ada", "t", "before"),
        raw("plain"),
        raw("halt"),
        note("ada", "t", "behind"),
    ];
    produce(&place.topic, stopped);
    let says = format!(
        "pipeline faults: {}/0 is halted: the dead-letter policy halted it at offset 2 (malformed: ",
        place.topic
    );
    let why = wait_until("it says that it is halted", LONG, || {
        let answer = get(&daemon.admin(), "/readyz");
        let text = answer.text();
        (answer.status == 503 && text.contains(&says)).then_some(text)
    });
    println!("{why}");
    assert_eq!(get(&daemon.admin(), "/healthz").status, 200);
    produce(
        &place.topic,
        (0..50).map(|_| note("bob", "t", "m").partition(1)),
    );
    wait_until("the other partition goes on", LONG, || {
        (place.sources("bob").len() == 50).then_some(())
    });
    let records = read_all(&place.topic);
    assert_eq!(place.sources("ada"), [place.source(&records[0])]);
    assert_eq!(place.letters().len(), 1, "what failed before it");

    // Someone looks, and gives it another policy.
    assert_eq!(daemon.terminate(), Some(0));
    daemon.set_config(&place.config(pipeline));
    daemon.restart();
    let (stored, letters) = place.wait_for("ada", 2, 2);
    assert_eq!(stored, [0, 3].map(|n: usize| place.source(&records[n])));
    assert_eq!(letters.len(), 2);
    place.check_letter(&records[2], &letters[1], "malformed", "transform");
    daemon.wait_ready(LONG);
    assert_eq!(place.sources("bob").len(), 50);
    assert_eq!(daemon.terminate(), Some(0));
}

/// The store refuses one event of a batch whose others are stored: the ledger is past the record.
#[test]
fn a_halt_after_the_batch_is_stored_makes_a_dead_letter_as_well() {
    let place = Fixture::new(1);
    let pipeline = "transform.plugin = \"plugins/t.wasm\"
dead-letter.plugin = \"plugins/p.wasm\"";
    let key = format!("{}:{{0}}:client:victim", place.prefix);
    let mut redis = servers().redis.connect();
    redis::cmd("SET")
        .arg(&key)
        .arg("no stream")
        .exec(&mut redis)
        .unwrap();
    let daemon = Daemon::builder(&place.config(pipeline))
        .file("plugins/t.wasm", guest("test-hostile"))
        .file("plugins/p.wasm", guest("test-ruling"))
        .start();
    daemon.wait_ready(LONG);
    produce(&place.topic, [Message::new("halt").partition(0)]);
    daemon.wait_not_ready(
        &[
            "is halted",
            "store-refused",
            "save another plugin to continue after it",
        ],
        LONG,
    );
    let letters = wait_until("its letter is there", LONG, || {
        Some(place.letters()).filter(|letters| !letters.is_empty())
    });
    let records = read_all(&place.topic);
    place.check_letter(&records[0], &letters[0], "store-refused", "store");
    assert_eq!(letters.len(), 1);
    assert_eq!(daemon.terminate(), Some(0));
}
