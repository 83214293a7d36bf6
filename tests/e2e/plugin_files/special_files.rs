//! Special files in place of a plugin file, whose reading may never end or never start, and a file
//! that is written again and again.

use super::{LONG, SECONDS, Scene, rename_over};
use millstream_tests::{create_topic, metrics, unique, versioned, wait_until};
use rustix::fs::{CWD, mkfifoat};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

pub fn fifo(path: &Path) {
    mkfifoat(CWD, path, 0o600.into()).unwrap();
}

fn remove(path: &Path) {
    let found = fs::symlink_metadata(path).unwrap();
    match found.is_dir() {
        true => fs::remove_dir(path).unwrap(),
        false => fs::remove_file(path).unwrap(),
    }
}

#[test]
fn a_special_file_is_refused_by_name_and_other_pipelines_keep_swapping() {
    let scene = Scene::with("", &other_pipeline(), |b| {
        b.file("plugins/t.wasm", versioned("one"))
            .file("others/o.wasm", versioned("one"))
    });
    assert_eq!(scene.version(), "one");
    let file = scene.file();
    let other = scene.daemon.dir().join("others/o.wasm");
    let swaps = || {
        let labels = ["result=\"done\"", "pipeline=\"other\""];
        metrics(&scene.daemon.admin()).sum("millstream_swaps_total", &labels)
    };
    let put = |what: &str, says: &str, put: &dyn Fn(&Path)| {
        scene.refused(what, says, "one", || {
            remove(&file);
            put(&file);
        });
        let before = swaps();
        let version = format!("other-{}", before % 2.0);
        rename_over(&other, &versioned(&version));
        wait_until(
            &format!("{what}: the other pipeline still swaps"),
            SECONDS,
            || (swaps() > before).then_some(()),
        );
    };
    put("a FIFO", "the file is a FIFO, not a regular file", &fifo);
    put("a device", "the file is a device", &|path| {
        symlink("/dev/zero", path).unwrap();
    });
    put("a folder", "the file is a folder", &|path| {
        fs::create_dir(path).unwrap();
    });
    put("a cycle of links", "Too many levels", &|path| {
        symlink(path, path).unwrap();
    });
    scene.live("a good file", "two", || {
        remove(&file);
        fs::write(&file, versioned("two")).unwrap();
    });
    assert_eq!(scene.daemon.terminate(), Some(0));
}

fn other_pipeline() -> String {
    let (topic, group) = (create_topic("other", 1), unique("other"));
    format!(
        r#"
[[pipeline]]
name = "other"
topics = ["{topic}"]
group-id = "{group}"
transform = {{ plugin = "others/o.wasm" }}
"#
    )
}

#[test]
fn a_file_rewritten_in_place_repeatedly_goes_live_once_it_settles() {
    let scene = Scene::versioned();
    let (file, two) = (scene.file(), versioned("two"));
    let spin = |long| {
        let until = Instant::now() + long;
        while Instant::now() < until {
            std::thread::yield_now();
        }
    };
    let until = Instant::now() + Duration::from_secs(6);
    // It is empty half of the time, so two reads often differ.
    while Instant::now() < until {
        let mut file = File::create(&file).unwrap();
        spin(Duration::from_micros(500));
        file.write_all(&two).unwrap();
        spin(Duration::from_micros(500));
    }
    wait_until("the plugin is live", LONG, || {
        (scene.version() == "two").then_some(())
    });
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn a_file_saved_in_two_steps_goes_live_without_a_refusal() {
    let scene = Scene::versioned();
    let file = scene.file();
    let refused =
        || metrics(&scene.daemon.admin()).sum("millstream_swaps_total", &["result=\"refused\""]);
    // On a busy machine the steps may be so far apart that the first one is refused, rightly.
    let clean = (0..20).any(|round| {
        let version = ["two", "one"][round % 2];
        let (wasm, before) = (versioned(version), refused());
        fs::write(&file, &wasm[..wasm.len() / 2]).unwrap();
        // Long enough for the first half to be read.
        std::thread::sleep(Duration::from_millis(40));
        fs::write(&file, &wasm).unwrap();
        wait_until("the plugin is live", LONG, || {
            (scene.version() == version).then_some(())
        });
        refused() == before
    });
    assert!(clean, "each first half was refused");
}
