//! What plugins log.

use super::{LONG, Scene};
use millstream_tests::{Daemon, Message, guest, servers, wait_until};

fn telling(scene: &Scene) -> Daemon {
    let redis = servers().redis.url();
    // A call for each record.
    let more = "batch = { max-records = 1 }";
    let config = scene.config_with(&redis, r#""log", "clock""#, more);
    let daemon = Daemon::builder(&config).file("p.wasm", guest("test-telling"));
    let daemon = daemon.start();
    daemon.wait_ready(LONG);
    daemon
}

fn text(text: &str) -> Message {
    Message::new(text).partition(0)
}

#[test]
fn a_line_names_its_level_plugin_and_record() {
    let scene = Scene::new();
    let daemon = telling(&scene);
    scene.produce(["hello", "warn odd\r\nline", "error bad"].map(text));
    for (level, offset, message) in [
        ("INFO", 0, "hello"),
        ("WARN", 1, "warn odd  line"),
        ("ERROR", 2, "error bad"),
    ] {
        let line = daemon.wait_log(&format!(" {message}"), LONG);
        for part in [
            level,
            "p.wasm",
            &format!("partition={:?}", format!("{}/0", scene.topic)),
            &format!("offset={offset}"),
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    let log = daemon.log().lines().join("\n");
    assert!(
        !log.contains("conformance"),
        "the tests before a plugin goes live log nothing: {log}"
    );
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_plugin_that_logs_without_end_writes_a_bounded_log() {
    let scene = Scene::new();
    let daemon = telling(&scene);
    scene.produce((0..50).map(|_| text("many")));
    let times = || {
        let entries = millstream_tests::streams(&scene.prefix).remove("ada");
        (entries.map_or(0, |entries| entries.len()) >= 50).then_some(())
    };
    wait_until("all records are processed", LONG, times);
    daemon.wait_log("similar log lines left out", LONG);
    let log = daemon.log().lines().join("\n");
    let lines = log.lines().filter(|line| line.contains(": line ")).count();
    let lines = lines.max(log.lines().filter(|line| line.contains(" line ")).count());
    assert!((1..1000).contains(&lines), "{lines} lines of 50,000");
    assert!(
        log.contains("a plugin logged more than 100 lines in one call"),
        "{log}"
    );
    assert_eq!(daemon.terminate(), Some(0));
}
