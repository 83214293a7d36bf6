//! A record is blamed only for a failure in a call with that record.

use super::{Fixture, counted, error};
use millstream::plugin::{Capabilities, End, Limits, Loader, NoState, Source, Spec, Turn};
use millstream::record::{Batch, TopicPartition};
use millstream_tests::{Daemon, Message, guest, produce};
use std::cell::RefCell;

fn record(value: &str) -> Message {
    Message::new(value).partition(0)
}

#[test]
fn a_leaking_plugin_makes_no_dead_letters() {
    check_leaking("");
}

/// A call with one record fails in an instance that earlier records have filled.
#[test]
fn leaked_memory_makes_no_dead_letters_in_single_record_batches() {
    check_leaking("batch = { max-records = 1 }\n");
}

fn check_leaking(batch: &str) {
    const RECORDS: usize = 300;
    let place = Fixture::new(1);
    // An instance has room for a few of them.
    let pipeline = format!(
        "{batch}transform = {{ plugin = \"plugins/p.wasm\", limits = {{ memory = \"8MiB\" }} }}"
    );
    let daemon = place.daemon(&pipeline, &guest("test-hostile"));
    let leaks = (0..RECORDS).map(|n| record(&format!("leak {n}")));
    produce(&place.topic, leaks.chain([record("grow"), record("last")]));
    let (stored, letters) = place.wait_for("victim", RECORDS + 1, 1);
    assert_eq!((stored.len(), letters.len()), (RECORDS + 1, 1));
    println!(
        "{} calls",
        counted(&daemon, "millstream_plugin_calls_total", &["p.wasm\""])
    );
    assert_eq!(letters[0].text(), "grow");
    assert_eq!(error(&letters[0], "class"), "out-of-memory");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn output_of_an_earlier_call_is_not_in_the_failure_of_a_later_one() {
    let place = Fixture::new(1);
    let pipeline = "batch = { max-records = 1 }\ntransform.plugin = \"plugins/p.wasm\"";
    let daemon = place.daemon(pipeline, &guest("test-hostile"));
    let records = [
        "say that it panics",
        "forged list",
        "ask for too much",
        "trap quietly",
        "last",
    ];
    produce(&place.topic, records.map(record));
    let (stored, letters) = place.wait_for("victim", 3, 2);
    assert_eq!((stored.len(), letters.len()), (3, 2));
    let said = |at: usize| ["class", "message"].map(|name| error(&letters[at], name));
    let [class, message] = said(0);
    assert_eq!(class, "bad-output", "{message}");
    assert!(!message.contains("another call"), "{message}");
    let [class, message] = said(1);
    assert_eq!(class, "trap", "{message}");
    assert!(message.contains("unreachable"), "{message}");
    let failures = counted(&daemon, "millstream_failures_total", &[]);
    assert_eq!(failures, 2.0);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn records_are_not_blamed_when_no_instance_can_be_created() {
    let folder = tempfile::tempdir().unwrap();
    // As many as the test of a new plugin uses.
    let loader = Loader::new(3, 64 << 20, folder.path()).unwrap();
    let loader = loader.compiled_by(Daemon::program());
    let spec = Spec {
        source: Source::File("p.wasm".into()),
        config: serde_json::json!({}),
        limits: Limits::default(),
        granted: Capabilities::default(),
        fixtures: None,
    };
    let transform = loader
        .transform(&spec, guest("test-hostile").into())
        .unwrap();
    let mut instance = transform.instance().unwrap();
    let mut batch = Batch::new(TopicPartition {
        topic: "t".into(),
        partition: 0,
    });
    for (offset, value) in [&b"good"[..], b"trap quietly", b"good"].iter().enumerate() {
        let headers = std::iter::empty();
        batch.push(offset as i64, 0, None, Some(value), headers);
    }
    // Between two calls other instances take all the room.
    let others = RefCell::new(Vec::new());
    let wanted = || {
        while let Ok(other) = transform.instance() {
            others.borrow_mut().push(other);
        }
        true
    };
    let turn = Turn {
        wanted: &wanted,
        ..Turn::default()
    };
    let made = instance.run(&batch, 0..3, &mut NoState, &turn);
    assert!(matches!(made.ended, End::NoInstance(_)), "{:?}", made.ended);
    assert_eq!((made.end, made.failures.len()), (0, 0));

    others.borrow_mut().clear();
    let made = instance.run(&batch, 0..3, &mut NoState, &Turn::default());
    assert_eq!((made.end, made.events.list.len()), (3, 2));
    let blamed: Vec<_> = made.failures.iter().map(|f| f.record).collect();
    assert_eq!(blamed, [1]);
}
