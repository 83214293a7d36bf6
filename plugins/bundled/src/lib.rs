//! What ships inside the daemon beside its code: plugins, which `build.rs`
//! compiles, and the templates of new plugins with their SDKs.

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

/// The files below a folder of `plugins`, such as `templates/rust/common`: each
/// path inside of it, and the content.
pub fn files(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let inside = move |path: &'static str| path.strip_prefix(folder)?.strip_prefix('/');
    FILES
        .iter()
        .filter_map(move |(path, content)| Some((inside(path)?, *content)))
}
