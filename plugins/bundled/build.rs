//! Compiles the bundled plugins to wasm and writes the lists that `src/lib.rs`
//! includes: theirs, and that of the templates for authors. It is a separate crate, so that this runs in parallel with the
//! daemon's dependencies.

use std::path::{Path, PathBuf};
use std::{env, fs};

const PLUGINS: [&str; 9] = [
    "by-field",
    "by-type",
    "cloudevents",
    "debezium",
    "json-envelope",
    "notifications",
    "per-client",
    "retry-then-topic",
    "task-results",
];

/// What of the SDKs becomes part of a project, or builds it.
const SDKS: [&str; 6] = [
    "sdk/src",
    "sdk/wit",
    "sdk-js/src",
    "sdk-js/build",
    "sdk-python",
    "sdk-go",
];

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../..");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    for watched in ["plugins", "wit", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let target = out.join("guests");
    let mut cargo = millstream_guests::cargo_build(&root, "guest", &target);
    for name in PLUGINS {
        cargo.args(["-p", name]);
    }
    let status = cargo.status().expect("cargo can be run");
    assert!(status.success(), "the bundled plugins can't be built");
    let built = target.join(millstream_guests::TARGET).join("guest");
    let list: String = PLUGINS.iter().map(|name| entry(&built, name)).collect();
    let list = format!("static BUNDLED: &[(&str, &[u8])] = &[\n{list}];\n");
    let list = list + &templates(&root);
    fs::write(out.join("bundled.rs"), list).expect("the build folder can be written to");
}

/// What `millstream plugin new` writes: the templates, and the SDKs beside them.
fn templates(root: &Path) -> String {
    let plugins = root.join("plugins");
    let mut files = Vec::new();
    collect(&plugins.join("templates"), &mut files);
    for part in SDKS {
        collect(&plugins.join(part), &mut files);
    }
    files.sort();
    let entry = |path: &PathBuf| {
        let name = path.strip_prefix(&plugins).expect("found below it");
        format!("    ({name:?}, include_bytes!({path:?})),\n")
    };
    let list: String = files.iter().map(entry).collect();
    format!("static FILES: &[(&str, &[u8])] = &[\n{list}];\n")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        let name = path.to_string_lossy();
        let left_behind = ["__pycache__", "node_modules"];
        let is_of_sdk = name.contains("/sdk-go/") && name.ends_with("_test.go");
        if is_of_sdk || left_behind.iter().any(|end| name.ends_with(end)) {
            continue;
        }
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push(path),
        }
    }
}

fn entry(built: &Path, name: &str) -> String {
    let wasm = built.join(format!("{}.wasm", name.replace('-', "_")));
    format!("    ({name:?}, include_bytes!({wasm:?})),\n")
}
