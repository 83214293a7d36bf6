//! Makes sure that Rust can build for wasm. This crate has no dependencies, so
//! cargo runs the script in the first seconds, and a machine without the target
//! fails at once.

use std::env;

#[path = "src/target.rs"]
mod target;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/target.rs");
    let rustc = env::var_os("RUSTC").expect("cargo sets it");
    match target::ensure(&rustc, "rustup".as_ref()) {
        Ok(found) => {
            if found.added {
                // Not watched: the folder is newer than this run, so the next
                // build would repeat it.
                println!("cargo::warning=rustup added the target {}", target::TARGET);
            } else {
                println!("cargo::rerun-if-changed={}", found.folder.display());
            }
        }
        Err(problem) => println!("cargo::error={problem}"),
    }
}
