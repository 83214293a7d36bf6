//! The test plugins, as wasm.
//!
//! cargo builds them when a test first needs them, in a separate target folder: the usual one may
//! be locked by the cargo that runs the tests.

use crate::janitor::target_dir;
use millstream_guests::TARGET;
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The plugins built in this process, by package and version.
static BUILT: Mutex<Option<HashMap<String, Vec<u8>>>> = Mutex::new(None);

/// The wasm of a package of this workspace (`test-hostile`, `by-type`).
pub fn guest(package: &str) -> Vec<u8> {
    once(package, "")
}

/// The wasm of `tests/plugins/versioned` that puts this version into each payload. `loops` never
/// returns, `slow` needs a good part of a second for a record, `leaks` keeps a MiB of each record.
pub fn versioned(version: &str) -> Vec<u8> {
    once("test-versioned", version)
}

/// The wasm of `tests/plugins/counting`, which keeps state, with this version in each payload.
/// `leaks` keeps a MiB of each record.
pub fn counting(version: &str) -> Vec<u8> {
    once("test-counting", version)
}

/// The wasm of a plugin outside of this workspace.
pub fn guest_at(folder: &Path, package: &str) -> Vec<u8> {
    build(folder, "release", package, "")
}

/// The folder of this workspace.
pub fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn once(package: &str, version: &str) -> Vec<u8> {
    // A failed build has printed its error; the next test may print it again.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    let name = format!("{package} {version}");
    built
        .entry(name)
        .or_insert_with(|| build(&workspace(), "guest", package, version))
        .clone()
}

fn build(folder: &Path, profile: &str, package: &str, version: &str) -> Vec<u8> {
    let target = target_dir().join("guests");
    fs::create_dir_all(&target).unwrap();
    // Holds the lock until our version is read: another test process may build another version.
    let lock = File::create(target.join(".tests-lock")).unwrap();
    lock.lock().unwrap();
    let mut cargo = millstream_guests::cargo_build(folder, profile, &target);
    cargo.args(["--quiet", "-p", package]);
    match version {
        "" => cargo.env_remove("PLUGIN_VERSION"),
        _ => cargo.env("PLUGIN_VERSION", version),
    };
    let status = cargo.status().expect("cargo can be run");
    assert!(status.success(), "can't build {package}");
    let file = format!("{TARGET}/{profile}/{}.wasm", package.replace('-', "_"));
    fs::read(target.join(file)).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_different_files() {
        let (one, two) = (versioned("one"), versioned("two"));
        assert!(one.starts_with(b"\0asm") && two.starts_with(b"\0asm"));
        assert_ne!(one, two);
        assert_eq!(one, versioned("one"));
    }
}
