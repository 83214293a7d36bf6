//! Each record changes the state once, and one that fails at any stage changes nothing.

use super::{LONG, Scene, class, keyed, record};
use millstream_tests::{Daemon, Message, guest, servers, wait_until};

/// Records for two clients, in one batch or in many; every other one fails in one of these ways.
fn with_failures(how: &[Message]) -> Vec<Message> {
    let good = |n: usize| record(if n.is_multiple_of(3) { "bob" } else { "ada" }, "good");
    (0..60)
        .flat_map(|n| [good(n), how[n % how.len()].clone()])
        .collect()
}

#[test]
fn records_that_fail_in_the_plugin_count_for_nothing() {
    let scene = Scene::new();
    let how = [
        record("ada", "fails"),
        record("bob", "lies"),
        record("ada", "panics"),
        Message::new("{").key("bob").partition(0),
    ];
    scene.produce(with_failures(&how));
    let daemon = scene.daemon("");
    scene.wait_for("ada", &(1..=40).collect::<Vec<_>>());
    scene.wait_for("bob", &(1..=20).collect::<Vec<_>>());
    let letters = scene.letters(60);
    let classes = ["rejected", "bad-output", "trap", "malformed"];
    for (n, letter) in letters.iter().enumerate() {
        assert_eq!(class(letter), classes[n % 4], "letter {n}");
    }
    assert_eq!(letters.len(), 60);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn records_that_fail_in_the_route_count_for_nothing() {
    let scene = Scene::new();
    scene.produce(with_failures(&[
        record("ada", "to nowhere"),
        record("bob", "to nowhere"),
    ]));
    let config = scene.config("route = { plugin = \"r.wasm\" }");
    let daemon = Daemon::builder(&config)
        .file("p.wasm", guest("test-counting"))
        .file("r.wasm", guest("test-routing"))
        .start();
    scene.wait_for("ada", &(1..=40).collect::<Vec<_>>());
    scene.wait_for("bob", &(1..=20).collect::<Vec<_>>());
    let letters = scene.letters(60);
    assert!(letters.iter().all(|letter| class(letter) == "unroutable"));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn records_whose_events_a_topic_does_not_take_count_for_nothing() {
    let scene = Scene::new();
    let small = format!("{}-small", scene.topic);
    servers()
        .kafka
        .create_topic_named(&small, 1, &[("max.message.bytes", "500")]);
    let noise: String = (0..2000_u32)
        .map(|n| format!("{:x}", n.wrapping_mul(0x9E37_79B9)))
        .collect();
    let large = |client: &str| {
        let value = format!(r#"{{"clientId":"{client}","eventId":"{noise}","text":"to {small}"}}"#);
        Message::new(value).key(client).partition(0)
    };
    let mut all = vec![record("ada", "good"), large("ada"), record("ada", "good")];
    all.extend([
        record("bob", "good"),
        large("bob"),
        large("ada"),
        record("ada", "good"),
    ]);
    scene.produce(all);
    let more = format!("output-topics = [\"{small}\"]\nroute = {{ plugin = \"r.wasm\" }}");
    let daemon = Daemon::builder(&scene.config(&more))
        .file("p.wasm", guest("test-counting"))
        .file("r.wasm", guest("test-routing"))
        .start();
    scene.wait_for("ada", &[1, 2, 3]);
    scene.wait_for("bob", &[1]);
    let letters = scene.letters(3);
    assert!(letters.iter().all(|letter| class(letter) == "too-large"));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn records_whose_events_redis_refuses_count_for_nothing() {
    // One key for both, so that the good records count on.
    let one = |n: u32| keyed("k", if n.is_multiple_of(2) { "good" } else { "bad" }, "x");
    for policy in ["", RETRYING] {
        let scene = Scene::new();
        let bad = format!("{}:{{0}}:client:bad", scene.prefix);
        servers().redis.order(&["SET", &bad, "no stream"]);
        scene.produce((0..40).map(one));
        let daemon = scene.daemon(policy);
        scene.wait_for("good", &(1..=20).collect::<Vec<_>>());
        Scene::wait_for_records(&daemon, 40);
        let letters = scene.letters(20);
        assert!(
            letters
                .iter()
                .all(|letter| class(letter) == "store-refused")
        );
        let offsets: Vec<_> = letters
            .iter()
            .map(|letter| letter.header("millstream.error.offset").unwrap())
            .collect();
        let expected: Vec<_> = (0..20).map(|n| (2 * n + 1).to_string()).collect();
        assert_eq!(offsets, expected, "one letter each");
        assert_eq!(daemon.terminate(), Some(0));
    }
}

/// A record is tried twice before it becomes a letter.
const RETRYING: &str = r#"dead-letter = { plugin = "bundled:retry-then-topic", config = { retry = ["store-refused"], attempts = 2, delay-ms = 1 } }"#;

#[test]
fn no_record_counts_twice_however_often_the_daemon_is_killed() {
    const RECORDS: u64 = 20_000;
    let scene = Scene::with(4);
    let client = |n: u64| format!("client-{}", n % 10);
    let message = |n: u64| Message {
        partition: Some((n % 10 % 4) as i32),
        ..record(&client(n), "x")
    };
    scene.produce((0..RECORDS).map(message));
    let mut daemon = scene.daemon("batch = { max-records = 100 }");
    let mut seen = 0;
    for _ in 0..4 {
        wait_until("it has stored more", LONG, || {
            let stored: usize = (0..10).map(|n| scene.counts(&client(n)).len()).sum();
            (stored > seen).then(|| seen = stored)
        });
        daemon.kill();
        daemon.restart();
        daemon.wait_ready(LONG);
    }
    for n in 0..10 {
        scene.wait_for(&client(n), &(1..=RECORDS / 10).collect::<Vec<_>>());
    }
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_value_that_is_removed_is_gone_for_the_next_record() {
    let scene = Scene::new();
    let texts = ["x", "x", "forget", "x", "x"];
    scene.produce(texts.map(|text| record("ada", text)));
    let daemon = scene.daemon("");
    scene.wait_for("ada", &[1, 2, 3, 1, 2]);
    scene.produce(["forget", "x"].map(|text| record("ada", text)));
    scene.wait_for("ada", &[1, 2, 3, 1, 2, 3, 1]);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_partition_keeps_as_many_keys_as_it_may() {
    let scene = Scene::new();
    scene.produce(["a", "b", "c", "a", "d", "b"].map(|name| record(name, "x")));
    let transform = r#"{ plugin = "p.wasm", capabilities = ["keyvalue"], limits.state-keys = 2 }"#;
    let config = scene.config("").replacen(
        r#"{ plugin = "p.wasm", capabilities = ["keyvalue"] }"#,
        transform,
        1,
    );
    let daemon = Daemon::builder(&config).file("p.wasm", guest("test-counting"));
    let daemon = daemon.start();
    scene.wait_for("b", &[1, 2]);
    scene.wait_for("a", &[1, 2]);
    let letters = scene.letters(2);
    for letter in &letters {
        assert_eq!(class(letter), "too-large");
        assert_eq!(
            letter.header("millstream.error.message"),
            Some("the partition keeps 2 keys, as many as it may (limits.state-keys)")
        );
    }
    assert_eq!(letters.len(), 2);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_halt_that_another_plugin_ends_counts_on() {
    let scene = Scene::new();
    let halting = r#"dead-letter = { plugin = "bundled:retry-then-topic", config = { halt = ["rejected"] } }"#;
    scene.produce(["x", "x", "fails", "x"].map(|text| record("ada", text)));
    let daemon = scene.daemon(halting);
    scene.wait_for("ada", &[1, 2]);
    daemon.wait_log("partition halted", LONG);
    let mended = millstream_tests::counting("mended");
    std::fs::write(daemon.dir().join("p.wasm"), mended).unwrap();
    scene.wait_for("ada", &[1, 2, 3, 4]);
    assert!(scene.letters(0).is_empty());
    assert!(!daemon.log_contains("the ledger moved"));
    assert_eq!(daemon.terminate(), Some(0));
}
