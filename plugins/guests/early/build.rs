//! See `lib.rs`.

fn main() {
    println!("cargo::rerun-if-changed=../build.rs");
}
