//! The plugins that ship inside the daemon; `build.rs` compiles them.

include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// The wasm of the bundled plugin with this name.
pub fn wasm(name: &str) -> Option<&'static [u8]> {
    BUNDLED
        .iter()
        .find(|(bundled, _)| *bundled == name)
        .map(|(_, wasm)| *wasm)
}

/// The names of all bundled plugins.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUNDLED.iter().map(|(name, _)| *name)
}
