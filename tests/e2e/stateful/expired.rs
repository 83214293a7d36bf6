//! Values expire by the time of the partition's records, and that time moves with the ledger.

use super::{Scene, record};
use millstream_tests::{Daemon, Message, guest, streams, wait_until};

fn at(timestamp: i64, text: &str) -> Message {
    Message {
        timestamp: Some(timestamp),
        ..record("ada", text)
    }
}

#[test]
fn a_value_expires_by_the_records_time_whatever_the_wall_clock_says() {
    let scene = Scene::new();
    // A second of the records' time; all of it is long ago.
    let start = 1_000_000_000_000;
    scene.produce([
        at(start, "brief"),
        at(start + 999, "brief"),
        at(start + 1998, "x"),
    ]);
    let mut daemon = scene.daemon("");
    scene.wait_for("ada", &[1, 2, 3]);
    scene.produce([at(start + 2000, "brief")]);
    scene.wait_for("ada", &[1, 2, 3, 4]);
    daemon.restart();
    // An older record does not turn the time back, and one that is late enough ends it.
    scene.produce([at(start, "brief"), at(start + 3000, "brief")]);
    scene.wait_for("ada", &[1, 2, 3, 4, 5, 1]);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn the_clock_is_that_of_the_records_and_never_goes_back() {
    let scene = Scene::new();
    let redis = millstream_tests::servers().redis.url();
    let config = scene.config_with(&redis, r#""log", "clock""#, "");
    let daemon = Daemon::builder(&config).file("p.wasm", guest("test-telling"));
    let mut daemon = daemon.start();
    let told = |expected: &[&str]| {
        let found = wait_until(&format!("the times {expected:?}"), super::LONG, || {
            let entries = streams(&scene.prefix).remove("ada").unwrap_or_default();
            let told: Vec<String> = entries.into_iter().map(|entry| entry.data).collect();
            (told.len() >= expected.len()).then_some(told)
        });
        assert_eq!(found, expected);
    };
    scene.produce([at(1000, "a"), at(3000, "b"), at(2000, "c")]);
    told(&["1000", "3000", "3000"]);
    daemon.kill();
    daemon.restart();
    scene.produce([at(10, "d")]);
    told(&["1000", "3000", "3000", "3000"]);
    scene.produce([at(3001, "e")]);
    told(&["1000", "3000", "3000", "3000", "3001"]);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn values_that_expired_make_room_for_others() {
    let scene = Scene::new();
    let limits = r#"capabilities = ["keyvalue"], limits.state-keys = 2"#;
    let config = scene.config("");
    let config = config.replacen(r#"capabilities = ["keyvalue"]"#, limits, 1);
    let daemon = Daemon::builder(&config).file("p.wasm", guest("test-counting"));
    let daemon = daemon.start();
    let brief = |name: &str, timestamp: i64| Message {
        timestamp: Some(timestamp),
        ..record(name, "brief")
    };
    scene.produce([brief("a", 1000), brief("b", 1000), brief("c", 1500)]);
    Scene::wait_for_records(&daemon, 3);
    assert_eq!(scene.letters(1).len(), 1, "a third key");
    // The first one after they expired may still meet them.
    scene.produce([brief("d", 9000)]);
    Scene::wait_for_records(&daemon, 4);
    scene.produce([brief("e", 9000), brief("f", 9000)]);
    scene.wait_for("e", &[1]);
    scene.wait_for("f", &[1]);
    assert_eq!(daemon.terminate(), Some(0));
}
