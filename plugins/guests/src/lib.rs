//! Builds plugins for wasm from a build script or a test, with a nested cargo.
//! The build script of this crate has made sure that Rust has the target.

use std::env;
use std::path::Path;
use std::process::Command;

pub mod target;
#[cfg(test)]
mod tests;

pub use target::TARGET;

/// Variables that configure the outer cargo and must not reach the nested one.
const OUTER: [&str; 8] = [
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_TARGET_DIR",
    "MAKEFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];

/// `cargo build` for wasm of the workspace at `folder`. It has a target folder
/// of its own, because the outer cargo holds the lock of the usual one. The
/// caller adds the packages.
pub fn cargo_build(folder: &Path, profile: &str, target: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(folder)
        .args(["build", "--locked", "--profile", profile])
        .args(["--target", TARGET, "--target-dir"])
        .arg(target);
    for name in OUTER {
        cargo.env_remove(name);
    }
    cargo
}
