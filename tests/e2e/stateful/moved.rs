//! `offsets set` says what becomes of the values.

use super::{Scene, record};
use millstream_tests::Daemon;
use serde_json::Value;

fn set(daemon: &Daemon, more: &[&str]) -> Result<String, String> {
    let all = [&["offsets", "set", "--to", "1"], more].concat();
    let output = daemon.command(&all);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

#[test]
fn values_are_kept_or_forgotten_as_asked() {
    for (more, expected) in [
        ("--keep-values", [1, 2, 3, 4, 5]),
        ("--forget-values", [1, 2, 3, 1, 2]),
    ] {
        let scene = Scene::new();
        scene.produce((0..3).map(|_| record("ada", "x")));
        let mut daemon = scene.daemon("");
        scene.wait_for("ada", &[1, 2, 3]);
        assert_eq!(daemon.terminate(), Some(0));
        let shown = daemon.command(&["offsets", "show", "--json"]);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(shown["values"], 1);
        let refused = set(&daemon, &[]).unwrap_err();
        let says = "its transform keeps 1 values, as of offset 3: add --keep-values if records read \
                    from 1 on may meet them, or --forget-values to begin without values";
        assert!(refused.contains(says), "{refused}");
        let done = set(&daemon, &[more]).unwrap();
        assert!(done.contains("continues at 1 (was 3;"), "{done}");
        daemon.restart();
        // The events of the two records come again: that is what an earlier offset is for.
        scene.wait_for("ada", &expected.map(|n: u64| n));
        assert_eq!(daemon.terminate(), Some(0));
    }
}
