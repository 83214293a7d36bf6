//! A ledger that Redis lost takes the values along.

use super::{LONG, Scene, record};
use millstream_tests::servers;

#[test]
fn a_pipeline_with_state_halts_where_its_ledger_is_lost() {
    let scene = Scene::new();
    scene.produce((0..5).map(|_| record("ada", "x")));
    let mut daemon = scene.daemon("");
    scene.wait_for("ada", &[1, 2, 3, 4, 5]);
    // A clean stop commits to Kafka that a ledger existed.
    assert_eq!(daemon.terminate(), Some(0));
    let ledger = format!(
        "{}:{{0}}:ledger:{}:{}:0",
        scene.prefix, scene.prefix, scene.topic
    );
    servers().redis.order(&["DEL", &ledger]);
    daemon.restart();
    daemon.wait_not_ready(&["Redis lost the ledger", "offsets set"], LONG);
    scene.produce([record("ada", "x")]);
    assert_eq!(scene.counts("ada").len(), 5);
    assert_eq!(daemon.terminate(), Some(0));
    let set = daemon.command(&["offsets", "set", "--halted", "--to", "latest"]);
    assert!(
        set.status.success(),
        "{}",
        String::from_utf8_lossy(&set.stderr)
    );
    daemon.restart();
    scene.produce([record("ada", "x")]);
    scene.wait_for("ada", &[1, 2, 3, 4, 5, 1]);
    assert_eq!(daemon.terminate(), Some(0));
}
