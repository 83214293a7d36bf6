//! What the commands for plugins are given: a file, its configuration, records.

use crate::authoring::Bench;
use crate::cli::exit::Usage;
use crate::config;
use crate::plugin::fixture::{self, Line};
use crate::plugin::{AnyPlugin, Meter, PluginKind, Source};
use anyhow::Context;
use clap::Args;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A plugin's file and its configuration.
#[derive(Args)]
pub(super) struct PluginArguments {
    /// The plugin: a .wasm file, or bundled:NAME.
    pub plugin: String,
    /// Its configuration: the table `config` of the pipeline, as JSON, or @FILE with that JSON.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub config: String,
}

/// The format of outcomes.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Lines of JSON.
    Json,
    /// A table for people.
    Table,
}

impl PluginArguments {
    /// Where the plugin is.
    pub fn source(&self) -> anyhow::Result<Source> {
        source(&self.plugin)
    }

    /// The configuration as JSON.
    pub fn config(&self) -> anyhow::Result<serde_json::Value> {
        json_object(&self.config)
    }

    /// Loads the plugin.
    pub fn load(&self, bench: &Bench) -> anyhow::Result<AnyPlugin> {
        let plugin = bench.load(&self.source()?, self.config()?);
        plugin.with_context(|| self.plugin.clone())
    }
}

/// The source of a plugin as people name it: a file, or `bundled:NAME`.
pub(super) fn source(name: &str) -> anyhow::Result<Source> {
    match name.strip_prefix("bundled:") {
        None => Ok(Source::File(name.into())),
        Some(bundled) => config::bundled(bundled).map_err(Usage::error),
    }
}

/// A configuration from the command line: JSON, or @FILE.
pub(super) fn json_object(text: &str) -> anyhow::Result<serde_json::Value> {
    let (text, whose) = match text.strip_prefix('@') {
        None => (text.to_owned(), "--config"),
        Some(path) => {
            let text = std::fs::read_to_string(path);
            (text.with_context(|| format!("can't read {path}"))?, path)
        }
    };
    match serde_json::from_str(&text) {
        Ok(json @ serde_json::Value::Object(_)) => Ok(json),
        Ok(_) => Err(Usage::error(format!("{whose}: expected a JSON object"))),
        Err(error) => Err(Usage::error(format!("{whose}: invalid JSON: {error}"))),
    }
}

/// The kind of a plugin, by its exports.
pub(super) fn kind(plugin: &PluginArguments) -> anyhow::Result<PluginKind> {
    let inspected = Bench::new(Meter::Off)?.inspect(&plugin.source()?);
    let inspected = inspected.with_context(|| plugin.plugin.clone())?;
    let kind = inspected.kind();
    kind.with_context(|| {
        let name = &plugin.plugin;
        format!("{name} does not export a plugin; see `millstream plugin inspect {name}`")
    })
}

/// The lines of a file, or of standard input.
pub(super) fn lines(file: Option<&Path>, kind: PluginKind) -> anyhow::Result<Vec<Line>> {
    match file {
        Some(file) => fixture::records(file, kind),
        None => {
            let mut text = Vec::new();
            let stdin = std::io::stdin().lock().read_to_end(&mut text);
            stdin.context("can't read standard input")?;
            fixture::lines(&text, kind).map_err(|why| anyhow::anyhow!("standard input, {why}"))
        }
    }
}

/// The records of `--records`, file by file; of a folder all its fixtures.
pub(super) fn records(
    paths: &[PathBuf],
    kind: PluginKind,
) -> anyhow::Result<Vec<(String, Vec<Line>)>> {
    let mut own = Vec::new();
    for path in paths {
        let files = match path.is_dir() {
            true => fixture::files(path)?,
            false => vec![path.clone()],
        };
        for file in files {
            let lines = fixture::records(&file, kind)?;
            own.push((file.display().to_string(), lines));
        }
    }
    if !paths.is_empty() && own.iter().all(|(_, lines)| lines.is_empty()) {
        return Err(Usage::error("--records: found no records".into()));
    }
    Ok(own)
}
