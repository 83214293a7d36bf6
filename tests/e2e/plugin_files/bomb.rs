//! A small file whose compilation would take all memory.

use super::crafted::compile_bomb;
use super::{LONG, Scene};
use millstream_tests::{versioned, wait_until};
use std::fs;

/// The limit of the daemon's memory without the compiler, in KiB.
const MEMORY: u64 = 400 << 10;

#[test]
fn a_compile_bomb_is_stopped_while_the_old_version_keeps_serving() {
    let scene = Scene::versioned();
    let bomb = compile_bomb();
    println!("{} bytes", bomb.len());
    let says = "the compiler was stopped (signal: 6 (SIGABRT)";
    scene.refused("a compile bomb", says, "one", || {
        fs::write(scene.file(), &bomb).unwrap();
        wait_for_compiler(&scene);
        assert_eq!(
            scene.version(),
            "one",
            "the daemon serves during the compilation"
        );
    });
    let own = memory(scene.daemon.pid());
    assert!(own < MEMORY, "the daemon has {own} KiB");
    scene.live("a good one", "two", || {
        fs::write(scene.file(), versioned("two")).unwrap();
    });
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn a_stopping_daemon_does_not_wait_for_a_compiler() {
    let scene = Scene::versioned();
    fs::write(scene.file(), compile_bomb()).unwrap();
    let compiler = wait_for_compiler(&scene);
    assert_eq!(scene.daemon.terminate(), Some(0));
    wait_until("its log ends", LONG, || {
        scene.daemon.log().has_ended().then_some(())
    });
    let refused = scene.daemon.log_contains("keeping the current plugins");
    assert!(!refused, "the daemon waited for the compiler");
    wait_until("the compiler has ended, too", LONG, || {
        (memory(compiler) == 0).then_some(())
    });
}

/// The process that compiles for this daemon.
fn wait_for_compiler(scene: &Scene) -> u32 {
    let pid = scene.daemon.pid();
    wait_until("the plugin is compiled", LONG, || {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let children = tasks.flatten().filter_map(|task| {
            let children = fs::read_to_string(task.path().join("children")).ok()?;
            children.split_whitespace().next()?.parse().ok()
        });
        children.last()
    })
}

/// A process's memory, in KiB; `None` after it has exited.
fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.map_or(0, |number| number.parse().unwrap())
}
