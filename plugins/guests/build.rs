//! Makes sure that this Rust can build for wasm. A build script of a crate without dependencies:
//! cargo runs it in the first seconds, so that a machine where it can't fails at once.

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
                // Not watched: it is newer than this run, so the next build would do all again.
                println!("cargo::warning=rustup added the target {}", target::TARGET);
            } else {
                println!("cargo::rerun-if-changed={}", found.folder.display());
            }
        }
        Err(problem) => println!("cargo::error={problem}"),
    }
}
