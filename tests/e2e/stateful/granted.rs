//! A capability that was not granted, and settings that go with no state.

use super::{LONG, Scene};
use millstream_tests::{Daemon, guest, servers};

/// Starts a daemon that must refuse its configuration or plugin; returns what it says.
#[track_caller]
fn refused(config: &str, plugin: &str) -> String {
    let daemon = Daemon::builder(config)
        .file("p.wasm", guest(plugin))
        .start();
    assert_ne!(daemon.wait_exit(LONG), Some(0));
    daemon.log().lines().join("\n")
}

#[test]
fn a_plugin_without_the_grant_is_refused_with_the_line_to_add() {
    let scene = Scene::new();
    let redis = servers().redis.url();
    let cases = [
        (
            "test-counting",
            "",
            "it needs the capability keyvalue, which the configuration does not grant: add \
             capabilities = [\"keyvalue\"] to the plugin's table",
        ),
        (
            "test-telling",
            "\"clock\"",
            "it needs the capability log, which the configuration does not grant: add capabilities \
             = [\"log\", \"clock\"] to the plugin's table",
        ),
        (
            "test-telling",
            "",
            "it needs the capabilities log and clock, which the configuration does not grant: add \
             capabilities = [\"log\", \"clock\"] to the plugin's table",
        ),
    ];
    for (plugin, granted, says) in cases {
        let said = refused(&scene.config_with(&redis, granted, ""), plugin);
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_plugin_that_is_saved_without_the_grant_leaves_the_old_one_live() {
    let scene = Scene::new();
    let redis = servers().redis.url();
    let daemon = Daemon::builder(&scene.config_with(&redis, "", ""))
        .file("p.wasm", guest("notifications"))
        .start();
    daemon.wait_ready(LONG);
    std::fs::write(daemon.dir().join("p.wasm"), guest("test-counting")).unwrap();
    daemon.wait_log("it needs the capability keyvalue", LONG);
    // The grant is a plugin table: a reload applies it.
    daemon.set_config(&scene.config(""));
    daemon.hup();
    daemon.wait_log("generation=2", LONG);
    scene.produce([super::record("ada", "x")]);
    scene.wait_for("ada", &[1]);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn settings_that_go_with_no_state_are_refused() {
    let scene = Scene::new();
    let redis = servers().redis.url();
    let keyvalue = "\"keyvalue\"";
    let cases = [
        (
            "\"keyvalu\"",
            "",
            "unknown capability `keyvalu`; expected log, clock, keyvalue; did you mean `keyvalue`?",
        ),
        (
            keyvalue,
            "replays = true",
            "`replays = true` and the capability keyvalue exclude each other",
        ),
        (
            keyvalue,
            "lost-ledger = \"committed\"",
            "`lost-ledger = \"committed\"` and the capability keyvalue exclude each other",
        ),
        (
            keyvalue,
            "route = { plugin = \"bundled:per-client\", capabilities = [\"keyvalue\"] }",
            "only a transform can have the capability keyvalue",
        ),
    ];
    for (granted, more, says) in cases {
        let said = refused(&scene.config_with(&redis, granted, more), "test-counting");
        assert!(said.contains(says), "{said}");
    }
}
