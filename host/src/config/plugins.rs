//! `[plugins]`.

use super::checker::Checker;
use super::values::Text;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Plugins {
    pub cache: Option<Text>,
    #[serde(default)]
    pub fallback: bool,
}

impl Checker<'_> {
    /// The folder for compiled plugins.
    pub(super) fn cache(&self, given: Option<Text>) -> PathBuf {
        given.map_or_else(default_cache, |cache| self.resolve(&cache.0))
    }
}

/// The default folder for compiled plugins, in the user's cache.
fn default_cache() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(home);
    base.unwrap_or_else(std::env::temp_dir).join("millstream")
}
