//! Dead letters of a pipeline with state.

use super::{Scene, record};

#[test]
fn a_replay_needs_force_and_changes_no_value() {
    let scene = Scene::new();
    scene.produce([
        record("ada", "x"),
        record("ada", "fails"),
        record("ada", "x"),
    ]);
    let daemon = scene.daemon("");
    scene.wait_for("ada", &[1, 2]);
    scene.letters(1);
    let replay = |more: &[&str]| {
        let all = [&["dlq", "replay", "--yes"], more].concat();
        let output = daemon.command(&all);
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let (done, said) = replay(&[]);
    let says = "the transform of pipeline counts keeps state";
    assert!(!done && said.contains(says), "{said}");
    let (done, said) = replay(&["--dry-run"]);
    assert!(
        !said.contains(says) && !done,
        "the record fails again: {said}"
    );
    // Its plugin is mended: it no longer fails.
    std::fs::write(
        daemon.dir().join("p.wasm"),
        millstream_tests::counting("mended"),
    )
    .unwrap();
    daemon.wait_log("generation=2", super::LONG);
    let (done, said) = replay(&["--force"]);
    assert!(done, "{said}");
    scene.wait_for("ada", &[1, 2, 3]);
    scene.produce([record("ada", "x")]);
    scene.wait_for("ada", &[1, 2, 3, 3]);
    assert_eq!(daemon.terminate(), Some(0));
}
