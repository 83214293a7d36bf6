//! `--version`: what this program is made of.

use crate::kafka;
use std::sync::LazyLock;

/// The version of wasmtime; a test compares it with the lock file.
const WASMTIME: &str = "48.0.8";

static LONG: LazyLock<String> = LazyLock::new(|| {
    // Packages name their commit; a build from sources need not know it.
    let commit = option_env!("MILLSTREAM_COMMIT").unwrap_or("built from sources, not a package");
    let schemas = if cfg!(feature = "schemas") {
        "schemas"
    } else {
        "none"
    };
    format!(
        "{}\ncommit: {commit}\nlibrdkafka: {}\nwasmtime: {WASMTIME}\nfeatures: {schemas}",
        env!("CARGO_PKG_VERSION"),
        kafka::librdkafka_version(),
    )
});

/// The version with commit, libraries and features.
pub(super) fn long() -> &'static str {
    &LONG
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_wasmtime_is_that_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        let entry = format!("name = \"wasmtime\"\nversion = \"{WASMTIME}\"\n");
        assert!(lock.contains(&entry), "correct WASMTIME");
        assert!(long().contains("\nlibrdkafka: 2."), "{}", long());
    }
}
