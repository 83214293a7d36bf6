//! A component with more parts than there is room for in every worker.

use super::crafted::crowded;
use super::{LONG, Scene, USAGE, config};
use millstream_tests::{Daemon, versioned};
use std::fs;

#[test]
fn a_component_with_too_many_core_instances_is_refused_for_every_worker() {
    let scene = Scene::with("workers = 4\n", "", |b| {
        b.file("plugins/t.wasm", versioned("one"))
    });
    assert_eq!(scene.version(), "one");
    let two = versioned("two");
    let says = "core module instances, which exceeds the configured maximum of 40";
    scene.refused("290 core instances", says, "one", || {
        fs::write(scene.file(), crowded(&two, 290)).unwrap();
    });
    assert_eq!(scene.generation(), 1.0);
    scene.live("few", "two", || {
        fs::write(scene.file(), crowded(&two, 20)).unwrap();
    });
    assert!(!scene.daemon.log_contains("a worker can't start"));
    assert_eq!(scene.daemon.terminate(), Some(0));
}

/// Each worker holds one generation, and one more exists while the workers are busy: the largest
/// allowed component must fit for all of them, swap after swap.
#[test]
fn every_worker_and_swap_has_room_for_the_largest_allowed_component() {
    let scene = Scene::with("workers = 4\n", "", |b| {
        b.file("plugins/t.wasm", crowded(&versioned("one"), 36))
    });
    assert_eq!(scene.version(), "one");
    for round in 0..4 {
        let version = ["two", "one"][round % 2];
        scene.live(&format!("swap {round}"), version, || {
            fs::write(scene.file(), crowded(&versioned(version), 36)).unwrap();
        });
    }
    assert_eq!(scene.swaps("refused"), 0.0);
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn the_same_limit_applies_at_start() {
    let config = config("none", "none", "plugin = \"plugins/t.wasm\"");
    let wasm = crowded(&versioned("one"), 290);
    let daemon = Daemon::builder(&config)
        .file("plugins/t.wasm", wasm)
        .start();
    assert_eq!(daemon.wait_exit(LONG), Some(USAGE));
    assert!(daemon.log().tail(1).contains("maximum of 40"));
}
