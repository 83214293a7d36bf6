//! The folder of compiled plugins: missing, full, or damaged.

use super::LONG;
use super::load::{Lines, Load};
use millstream_tests::{Daemon, metrics, servers, versioned, wait_until};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

const PLUGIN: &str = "plugins/versioned.wasm";

/// The configuration of a daemon whose plugin is a file and whose cache is `cache` in its folder.
fn config(load: &Load) -> String {
    let top = "[plugins]\ncache = \"cache\"";
    let lines = Lines {
        top,
        ..Lines::default()
    };
    let config = load.config(&servers().redis.addr(), lines);
    config.replace("bundled:notifications", PLUGIN)
}

fn assert_works(load: &Load, daemon: &Daemon) {
    daemon.wait_ready(LONG);
    load.wait_done(&servers().redis, load.produce(500));
}

/// The cached files, without the notes of which plugins are live.
fn kept(daemon: &Daemon) -> BTreeMap<PathBuf, Vec<u8>> {
    files(daemon, false)
}

/// The notes of which plugins are live, by file.
fn notes(daemon: &Daemon) -> BTreeMap<PathBuf, Vec<u8>> {
    files(daemon, true)
}

fn files(daemon: &Daemon, notes: bool) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(daemon.dir().join("cache")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "json") == notes)
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn an_unusable_cache_folder_only_costs_recompilation() {
    let load = Load::new("in-the-way");
    let mut daemon = Daemon::builder(&config(&load))
        .file(PLUGIN, versioned("one"))
        .file("cache", "another program's file")
        .start();
    for _ in 0..2 {
        daemon.wait_log("can't use the compile cache", LONG);
        assert_works(&load, &daemon);
        daemon.restart();
    }
    let in_the_way = fs::read_to_string(daemon.dir().join("cache")).unwrap();
    assert_eq!(in_the_way, "another program's file");
    load.assert_complete(&servers().redis);
}

#[test]
fn a_plugin_goes_live_although_the_cache_disk_is_full() {
    let load = Load::new("full-disk");
    let mut daemon = Daemon::builder(&config(&load))
        .file(PLUGIN, versioned("one"))
        .start();
    assert_works(&load, &daemon);
    let before = kept(&daemon);
    let (one, two) = (versioned("one"), versioned("two"));
    // The first file that it writes, on a device that is always full.
    let digest = millstream::plugin::digest_of;
    let (path, _) = before
        .iter()
        .find(|(path, _)| path.to_string_lossy().contains(&digest(&one)))
        .expect("the code of version one is kept");
    let path = path.to_string_lossy().replace(&digest(&one), &digest(&two));
    let aside = Path::new(&path).with_extension(format!("{}.tmp", daemon.pid()));
    symlink("/dev/full", aside).unwrap();
    let plugin = daemon.dir().join(PLUGIN);
    fs::write(plugin.with_extension("new"), two).unwrap();
    fs::rename(plugin.with_extension("new"), plugin).unwrap();
    wait_until("version two is live", LONG, || {
        let swaps = metrics(&daemon.admin()).sum("millstream_swaps_total", &["result=\"done\""]);
        (swaps > 0.0).then_some(())
    });
    let said = daemon.wait_log("can't save compiled code in the cache", LONG);
    assert!(said.contains("No space left on device"), "{said}");
    assert_works(&load, &daemon);
    assert_eq!(kept(&daemon), before, "no partial file is left");
    daemon.restart();
    assert_works(&load, &daemon);
    assert!(
        kept(&daemon).len() > before.len(),
        "stored after there was room"
    );
    load.assert_complete_and_healthy(&servers().redis, &daemon);
}

#[test]
fn damaged_code_in_the_cache_is_not_executed() {
    let load = Load::new("damaged");
    let mut daemon = Daemon::builder(&config(&load))
        .file(PLUGIN, versioned("one"))
        .start();
    assert_works(&load, &daemon);
    let whole = kept(&daemon);
    let noted = notes(&daemon);
    assert_eq!(noted.len(), 1, "which plugins are live");
    let damages: [fn(&mut Vec<u8>); 4] = [
        Vec::clear,
        |code| code.truncate(code.len() / 2),
        |code| code.truncate(code.len() - 1),
        // A bad sector in the middle of it.
        |code| {
            let middle = code.len() / 3;
            code[middle..middle + 4096].fill(0xcc);
        },
    ];
    for damage in damages {
        assert_eq!(daemon.terminate(), Some(0));
        for (path, code) in &whole {
            let mut code = code.clone();
            damage(&mut code);
            fs::write(path, code).unwrap();
        }
        for (path, note) in &noted {
            fs::write(path, &note[..note.len() / 2]).unwrap();
        }
        daemon.restart();
        assert_works(&load, &daemon);
        assert!(daemon.log_contains("compiled code in the cache is "));
        assert_eq!(notes(&daemon), noted, "the note is written again");
        assert_eq!(
            kept(&daemon),
            whole,
            "the plugin is compiled and cached again"
        );
    }
    load.assert_complete_and_healthy(&servers().redis, &daemon);
}
