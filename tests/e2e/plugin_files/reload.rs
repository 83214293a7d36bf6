//! SIGHUP.

use super::{SECONDS, Scene, config, rename_over};
use millstream_tests::{get, versioned};
use std::fs;

#[test]
fn sighup_applies_the_plugin_tables_and_a_broken_configuration_changes_nothing() {
    let transform = |version: &str| {
        format!(r#"plugin = "bundled:notifications", config = {{ version = "{version}" }}"#)
    };
    let scene = Scene::new(&transform("1"), |builder| builder);
    assert_eq!(scene.version(), "1");
    let text = |version: &str| config(&scene.topic, &scene.prefix, &transform(version));
    let reload = |text: &str| {
        scene.daemon.set_config(text);
        scene.daemon.hup();
    };
    scene.live("a changed table", "2", || reload(&text("2")));
    let applied = "applying plugin tables: files transform";
    scene.daemon.wait_log(applied, SECONDS);
    let others = text("2").replacen("[http]", "[http]\nheartbeat = \"7s\"", 1);
    reload(&others.replacen("topics = ", "workers = 1\ntopics = ", 1));
    let said = scene.daemon.wait_log("need a restart: ", SECONDS);
    let keys = ["[http] heartbeat", ": workers"];
    assert!(keys.iter().all(|key| said.contains(key)), "{said}");
    assert_eq!(scene.version(), "2");
    let path = scene
        .daemon
        .dir()
        .join("millstream.toml")
        .display()
        .to_string();
    let broken = [
        ("topics = [", "topcis = [", "did you mean `topics`?"),
        ("[plugins]", "[plugins", ""),
        (
            "bundled:notifications",
            "bundled:notification",
            "bundled:notifications",
        ),
        ("group-id = ", "group-id = 7 #", "expected a string"),
    ];
    for (from, to, says) in broken {
        let text = text("3");
        let line = 1 + text[..text.find(from).unwrap()].matches('\n').count();
        reload(&text.replacen(from, to, 1));
        let logged = scene.daemon.wait_log(&format!("{path}:{line}: "), SECONDS);
        println!("{logged}");
        assert!(
            logged.contains(says) && logged.contains(" ERROR "),
            "{logged}"
        );
        assert_eq!(get(&scene.daemon.admin(), "/readyz").status, 200);
        assert_eq!(scene.version(), "2");
    }
    assert_eq!((scene.swaps("done"), scene.swaps("refused")), (1.0, 0.0));
    scene.live("a valid configuration again", "3", || reload(&text("3")));
    let other = r#"plugin = "plugins/t.wasm""#;
    fs::create_dir(scene.daemon.dir().join("plugins")).unwrap();
    fs::write(scene.file(), versioned("one")).unwrap();
    let other = config(&scene.topic, &scene.prefix, other);
    scene.live("another plugin", "one", || reload(&other));
    scene.live("a change of its file", "two", || {
        rename_over(&scene.file(), &versioned("two"));
    });
    assert_eq!(scene.daemon.terminate(), Some(0));
}
