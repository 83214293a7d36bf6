//! A refused plugin file breaks the next start: readiness warns about it, and with
//! `fallback = true` a start uses the last live plugins.

use super::{LONG, Scene, USAGE};
use millstream_tests::{get, metrics, versioned, wait_until};
use std::fs;

fn refused(scene: &Scene) -> f64 {
    let labels = ["pipeline=\"files\""];
    metrics(&scene.daemon.admin()).sum("millstream_plugins_refused", &labels)
}

/// The text of readiness, which must be ready.
fn ready(scene: &Scene) -> String {
    let answer = get(&scene.daemon.admin(), "/readyz");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

fn assert_warned(scene: &Scene) {
    let said = ready(scene);
    println!("{said}");
    let warning = "pipeline files: the configured plugins were refused";
    assert!(said.contains(warning) && said.contains("unexpected end"));
    assert_eq!(refused(scene), 1.0);
}

fn assert_content(scene: &Scene) {
    assert!(ready(scene).contains("\"warnings\":[]"));
    assert_eq!(refused(scene), 0.0);
}

#[test]
fn readiness_warns_of_a_refused_file_and_fallback_starts_the_last_live_plugins() {
    let mut scene = Scene::with("", "fallback = true\n", |b| {
        b.file("plugins/t.wasm", versioned("one"))
    });
    assert_eq!(scene.version(), "one");
    assert_content(&scene);
    let (file, two) = (scene.file(), versioned("two"));
    let broken = &two[..two.len() / 2];
    scene.refused("half of the file", "unexpected end", "one", || {
        fs::write(&file, broken).unwrap();
    });
    assert_warned(&scene);
    scene.live("the complete file", "two", || {
        fs::write(&file, &two).unwrap();
    });
    assert_content(&scene);
    fs::write(&file, broken).unwrap();
    wait_until("the plugin is refused", LONG, || {
        (refused(&scene) > 0.0).then_some(())
    });
    assert_eq!(scene.daemon.terminate(), Some(0));

    scene.daemon.restart();
    scene.daemon.wait_ready(LONG);
    assert_eq!(scene.version(), "two", "the last live version");
    assert_warned(&scene);
    scene.live("a good one", "one", || {
        fs::write(&file, versioned("one")).unwrap();
    });
    assert_content(&scene);

    // Without a kept version, a broken file still prevents the start.
    fs::write(&file, broken).unwrap();
    assert_eq!(scene.daemon.terminate(), Some(0));
    fs::remove_dir_all(scene.daemon.dir().join("cache")).unwrap();
    scene.daemon.restart();
    assert_eq!(scene.daemon.wait_exit(LONG), Some(USAGE));
    assert!(scene.daemon.log().tail(1).contains("unexpected end"));
}
