//! Compiles the bundled plugins to wasm and writes the list that
//! `src/plugin/bundled.rs` includes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const PLUGINS: [&str; 7] = [
    "by-field",
    "by-type",
    "json-envelope",
    "notifications",
    "per-client",
    "retry-then-topic",
    "task-results",
];
const TARGET: &str = "wasm32-unknown-unknown";

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    for watched in ["plugins", "wit", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let target = out.join("guests");
    build(&root, &target);
    let built = target.join(TARGET).join("guest");
    let list: String = PLUGINS.iter().map(|name| entry(&built, name)).collect();
    let list = format!("static BUNDLED: &[(&str, &[u8])] = &[\n{list}];\n");
    fs::write(out.join("bundled.rs"), list).expect("the build folder can be written to");
}

/// A folder of its own: this cargo runs inside of another one, which holds the
/// lock of the usual folder. What configures that one must not reach this one.
fn build(root: &Path, target: &Path) {
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    cargo.current_dir(root);
    cargo
        .args([
            "build",
            "--profile",
            "guest",
            "--locked",
            "--target",
            TARGET,
            "--target-dir",
        ])
        .arg(target);
    for name in PLUGINS {
        cargo.args(["-p", name]);
    }
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET",
    ] {
        cargo.env_remove(name);
    }
    for name in [
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_MAKEFLAGS",
        "MAKEFLAGS",
    ] {
        cargo.env_remove(name);
    }
    let status = cargo.status().expect("cargo can be run");
    assert!(
        status.success(),
        "the bundled plugins can't be built; is the {TARGET} target installed? \
         `rustup target add {TARGET}` adds it"
    );
}

fn entry(built: &Path, name: &str) -> String {
    let wasm = built.join(format!("{}.wasm", name.replace('-', "_")));
    format!("    ({name:?}, include_bytes!({wasm:?})),\n")
}
