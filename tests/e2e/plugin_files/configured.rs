//! A plugin that breaks during configuration.

use super::{Scene, config, rename_over};
use millstream_tests::guest;

#[test]
fn a_plugin_that_traps_during_configuration_does_not_go_live() {
    let (good, forger) = (guest("notifications"), guest("test-forger"));
    let told =
        |what: &str| format!(r#"plugin = "plugins/t.wasm", config = {{ version = "{what}" }}"#);
    let scene = Scene::new(&told("first"), |b| b.file("plugins/t.wasm", &good));
    let file = scene.file();
    let breaks = [
        ("loop", "it can't start (timeout): "),
        ("trap", "it can't start (trap): "),
        ("grow", "it can't start (out-of-memory): "),
        ("chatter", "it refused its configuration: no and no"),
    ];
    for (what, says) in breaks {
        scene.live("a good plugin with that configuration", what, || {
            let config = config(&scene.topic, &scene.prefix, &told(what));
            scene.daemon.set_config(&config);
            scene.daemon.hup();
        });
        scene.refused(what, says, what, || rename_over(&file, &forger));
        rename_over(&file, &good);
    }
    for line in scene.daemon.log().lines() {
        let long = line.chars().count();
        assert!(long < 3000, "a line of {long}: {line:.200}");
    }
    assert_eq!(scene.daemon.terminate(), Some(0));
}
