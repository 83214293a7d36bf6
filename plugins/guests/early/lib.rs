//! Five empty crates that move a build script forward in cargo's queue. Cargo
//! starts first what most of the build waits for, but only the daemon waits for
//! the plugins. So the check of Rust's wasm target would fail minutes into the
//! build, after OpenSSL and a compiler were built. With these crates in between
//! it runs after a few dozen small crates.
