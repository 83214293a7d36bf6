//! `[plugins]`.

use super::checker::Checker;
use super::values::Text;
use crate::plugin::default_cache;
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
