//! A pipeline's plugins: `[pipeline.transform]`, `[pipeline.route]` and
//! `[pipeline.dead-letter]`.

use super::checker::{Checked, Checker};
use super::error::nearest;
use super::values::{Bytes, List, Text, Time, to_json};
use crate::plugin::{self, Capabilities, Capability, Source, Spec};
use serde::Deserialize;
use std::time::Duration;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "{ plugin = \"...\" }"
)]
pub(super) struct Plugin {
    pub plugin: Spanned<Text>,
    pub config: Option<Spanned<toml::Value>>,
    pub fixtures: Option<Text>,
    pub capabilities: Option<List<Spanned<Text>>>,
    #[serde(default)]
    pub limits: Limits,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Limits {
    pub memory: Option<Spanned<Bytes>>,
    pub cpu_per_batch: Option<Spanned<Time>>,
    pub cpu_per_record: Option<Spanned<Time>>,
    pub output: Option<Spanned<Bytes>>,
    pub state_keys: Option<Spanned<usize>>,
}

/// The bundled plugin of this name.
///
/// # Errors
/// The names of all bundled plugins, and the nearest one.
pub fn bundled(name: &str) -> Result<Source, String> {
    if let Some(bundled) = plugin::bundled::names().find(|bundled| *bundled == name) {
        return Ok(Source::Bundled(bundled));
    }
    let names: Vec<_> = plugin::bundled::names().collect();
    let mut message = format!(
        "unknown bundled plugin `{name}`; expected one of: {}",
        names.join(", ")
    );
    if let Some(nearest) = nearest(name, names.into_iter()) {
        message.push_str(&format!("; did you mean `bundled:{nearest}`?"));
    }
    Err(message)
}

impl Checker<'_> {
    pub(super) fn plugin(
        &self,
        given: Option<Spanned<Plugin>>,
        default: &'static str,
    ) -> Checked<Spec> {
        let Some(given) = given.map(Spanned::into_inner) else {
            let (source, config) = (Source::Bundled(default), serde_json::json!({}));
            return Ok(Spec {
                source,
                config,
                limits: plugin::Limits::default(),
                granted: Capabilities::default(),
                fixtures: None,
            });
        };
        let source = self.source(&given.plugin)?;
        let config = match given.config {
            None => serde_json::json!({}),
            Some(config) => {
                let span = config.span();
                match to_json(config.into_inner()) {
                    Ok(json @ serde_json::Value::Object(_)) => json,
                    Ok(_) => return self.error(span, "expected a table: config = { ... }"),
                    Err(message) => return self.error(span, message),
                }
            }
        };
        Ok(Spec {
            source,
            config,
            limits: self.limits(given.limits)?,
            granted: self.capabilities(given.capabilities)?,
            fixtures: given.fixtures.map(|folder| self.resolve(&folder.0)),
        })
    }

    fn source(&self, given: &Spanned<Text>) -> Checked<Source> {
        let text = &given.get_ref().0;
        let Some(name) = text.strip_prefix("bundled:") else {
            return Ok(Source::File(self.resolve(text)));
        };
        match bundled(name) {
            Ok(source) => Ok(source),
            Err(message) => self.error(given.span(), message),
        }
    }

    fn capabilities(&self, given: Option<List<Spanned<Text>>>) -> Checked<Capabilities> {
        let known = || Capability::ALL.map(Capability::name);
        let given = given.map_or_else(Vec::new, |list| list.0);
        let each = given.into_iter().map(|given| {
            let name = &given.get_ref().0;
            match Capability::of(name) {
                Some(capability) => Ok(capability),
                None => {
                    let near = nearest(name, known().into_iter());
                    let near = near.map(|near| format!("; did you mean `{near}`?"));
                    let (known, near) = (known().join(", "), near.unwrap_or_default());
                    let why = format!("unknown capability `{name}`; expected {known}{near}");
                    self.error(given.span(), why)
                }
            }
        });
        each.collect()
    }

    fn limits(&self, given: Limits) -> Checked<plugin::Limits> {
        let default = plugin::Limits::default();
        let time = |given: Option<Spanned<Time>>, default: Duration| {
            given.map_or(default, |time| time.into_inner().0)
        };
        Ok(plugin::Limits {
            memory: self.bytes(given.memory, default.memory, 1 << 20..=plugin::MEMORY_MAX)?,
            cpu_per_batch: time(given.cpu_per_batch, default.cpu_per_batch),
            cpu_per_record: time(given.cpu_per_record, default.cpu_per_record),
            output: self.bytes(given.output, default.output, 1 << 10..=256 << 20)?,
            state_keys: self.number(given.state_keys, default.state_keys, 1..=100_000_000)?,
        })
    }
}

#[cfg(test)]
mod tests;
