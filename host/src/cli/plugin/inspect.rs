//! `plugin inspect`: what a plugin's file says about itself.

use super::input;
use crate::authoring::Bench;
use crate::cli::output;
use crate::plugin::{Inspection, Meter, PluginKind};
use anyhow::Context;
use clap::Args;
use serde_json::json;

#[derive(Args)]
pub(in crate::cli) struct InspectArguments {
    /// The plugin: a .wasm file, or bundled:NAME.
    plugin: String,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &InspectArguments) -> anyhow::Result<()> {
    let source = input::source(&arguments.plugin)?;
    let inspected = Bench::new(Meter::Off)?.inspect(&source);
    let inspected = inspected.with_context(|| arguments.plugin.clone())?;
    if arguments.json {
        return Ok(output::line(as_json(&inspected))?);
    }
    Ok(output::lines(lines(&inspected))?)
}

/// The lines that `plugin check` prints too.
pub(super) fn lines(inspected: &Inspection) -> Vec<String> {
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    let made_by = inspected.made_by.iter();
    let made_by: Vec<String> = made_by
        .map(|(tool, version)| format!("{tool} {version}").trim_end().to_owned())
        .collect();
    let kind = inspected
        .kind()
        .map_or("none of a plugin", PluginKind::name);
    let from = if inspected.was_cached {
        "from the cache"
    } else {
        "compiled"
    };
    [
        ("kind", kind.to_owned()),
        ("exports", list(&inspected.exports)),
        ("imports", list(&inspected.imports)),
        ("capabilities", list(&capabilities(inspected))),
        ("made by", list(&made_by)),
        ("size", format!("{} bytes", inspected.size)),
        ("digest", inspected.digest.clone()),
        (
            "compile time",
            format!("{:.0?}, {from}", inspected.compiled_in),
        ),
    ]
    .map(|(name, value)| format!("{name:<13} {value}"))
    .into()
}

/// The names of what it needs.
fn capabilities(inspected: &Inspection) -> Vec<String> {
    let needed = inspected.needed.iter();
    needed.map(|one| one.name().to_owned()).collect()
}

fn as_json(inspected: &Inspection) -> serde_json::Value {
    let made_by = inspected.made_by.iter();
    let made_by: Vec<_> = made_by
        .map(|(tool, version)| json!({ "tool": tool, "version": version }))
        .collect();
    json!({
        "kind": inspected.kind().map(PluginKind::name),
        "exports": inspected.exports,
        "imports": inspected.imports,
        "capabilities": capabilities(inspected),
        "made_by": made_by,
        "size": inspected.size,
        "digest": inspected.digest,
        "cached": inspected.was_cached,
        "compile_ms": inspected.compiled_in.as_millis() as u64,
    })
}
