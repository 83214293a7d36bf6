//! Builds plugins for wasm, from inside of a build script or a test: with a cargo that runs inside
//! of another one. The build script of this crate has made sure that Rust has the target.

use std::env;
use std::path::Path;
use std::process::Command;

pub mod target;
#[cfg(test)]
mod tests;

pub use target::TARGET;

/// What configures the cargo around us, and must not reach the one inside.
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

/// `cargo build` for wasm of the workspace at `folder`, into a target folder of its own, since the
/// cargo around us holds the lock of the usual one. The caller adds the packages.
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
