//! Nothing, five times, for its place in the queue: cargo starts first what most of the build waits
//! for, and only the daemon waits for the plugins. So the check of Rust's wasm target would fail
//! after OpenSSL and a compiler were built, some minutes in. With these crates between, each with a
//! build script that does nothing, it comes after the first few dozen of small crates.
