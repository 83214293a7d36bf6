//! A running daemon gets a broken plugin and keeps running.

use super::crafted::{
    hollow_component, huge_file, importing_component, importing_module, module_with_a_long_name,
    module_with_noise, noise, other_interface,
};
use super::{ROUTE_ONLY, Scene, config, rename_over};
use millstream_tests::{guest, versioned};
use std::fs;

#[test]
fn a_broken_file_leaves_the_old_version_live_and_a_good_one_follows() {
    let scene = Scene::versioned();
    let (one, two) = (versioned("one"), versioned("two"));
    let file = scene.file();
    let write = |content: &[u8]| fs::write(&file, content).unwrap();
    let no = |what, says, content: &[u8]| scene.refused(what, says, "one", || write(content));
    no("truncated", "unexpected end", &two[..two.len() / 2]);
    no("empty", ": the file is empty", b"");
    no("wrong world", ROUTE_ONLY, &guest("per-client"));
    no("looping", ": timeout: ", &versioned("loops"));
    no(
        "random bytes",
        "the file is not WebAssembly",
        &noise(50_000),
    );
    no(
        "random bytes after a valid header",
        "unexpected",
        &[b"\0asm\x01\0\0\0", &*noise(9999)].concat(),
    );
    scene.refused("100 MiB", "larger than 64 MiB", "one", || huge_file(&file));
    no(
        "importing component",
        "wasi:cli/environment@0.2.0",
        &importing_component(),
    );
    no("importing module", "env", &importing_module());
    no("module with noise", "t.wasm: ", &module_with_noise());
    no(
        "truncated component",
        "unexpected end",
        &importing_component()[..60],
    );
    no("hollow component", "configure", &hollow_component());
    no("older interface", "transform@0.0.9", &other_interface());
    scene.refused("missing", "can't open the file", "one", || {
        fs::remove_file(&file).unwrap();
    });
    assert_eq!((scene.swaps("done"), scene.generation()), (0.0, 1.0));
    scene.live("a good plugin", "two", || write(&two));
    scene.live("the old version again", "one", || write(&one));
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn a_very_long_name_in_a_plugin_file_is_shortened_in_the_log() {
    let scene = Scene::versioned();
    let (file, module) = (scene.file(), module_with_a_long_name());
    scene.refused("a long name", "nnn", "one", || {
        fs::write(&file, module).unwrap();
    });
    let lines = scene.daemon.log().lines();
    let longest = lines.iter().map(String::len).max().unwrap();
    assert!(longest < 4096, "a line of {longest} bytes");
}

#[test]
fn a_plugin_that_refuses_the_configuration_does_not_go_live() {
    let notifications = guest("notifications");
    let transform = r#"plugin = "plugins/t.wasm", config = { version = "7" }"#;
    let scene = Scene::new(transform, |b| b.file("plugins/t.wasm", &notifications));
    assert_eq!(scene.version(), "7");
    let file = scene.file();
    let says = "it refused its configuration: ";
    scene.refused("another plugin", says, "7", || {
        rename_over(&file, &versioned("one"));
    });
    let reload = |transform: &str| {
        scene
            .daemon
            .set_config(&config(&scene.topic, &scene.prefix, transform));
        scene.daemon.hup();
    };
    rename_over(&file, &notifications);
    scene.refused(
        "another configuration",
        "unknown field `verison`",
        "7",
        || {
            reload(r#"plugin = "plugins/t.wasm", config = { verison = "8" }"#);
        },
    );
    scene.live("a valid configuration", "8", || {
        reload(r#"plugin = "plugins/t.wasm", config = { version = "8" }"#);
    });
    assert_eq!(scene.daemon.terminate(), Some(0));
}
