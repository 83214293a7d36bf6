//! `plugin run`: what a plugin makes of records.

use super::fetched::Fetched;
use super::input::{self, Format, PluginArguments};
use crate::authoring::Outcome;
use crate::authoring::bench::{self, Bench, Ran};
use crate::cli::{exit::Usage, output, table::Table};
use crate::plugin::fixture::{self, Line};
use crate::plugin::{Meter, PluginKind};
use anyhow::Context;
use clap::Args;
use std::io::IsTerminal;
use std::path::PathBuf;

#[derive(Args)]
pub(in crate::cli) struct RunArguments {
    #[command(flatten)]
    plugin: PluginArguments,
    /// A file of records, as `consume --format json` writes them. Without it, standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["at", "letter"])]
    records: Option<PathBuf>,
    #[command(flatten)]
    fetched: Fetched,
    /// For a route: the transform whose events it is given; without it, the lines name the events.
    #[arg(long, value_name = "FILE")]
    transform: Option<String>,
    /// The transform's configuration, as JSON.
    #[arg(
        long,
        value_name = "JSON",
        default_value = "{}",
        requires = "transform"
    )]
    transform_config: String,
    /// The format. Without it, a table on a terminal, otherwise JSON.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

pub(super) fn run(arguments: &RunArguments) -> anyhow::Result<()> {
    let bench = Bench::new(Meter::Time)?;
    let plugin = arguments.plugin.load(&bench)?;
    if plugin.kind() != PluginKind::Route && arguments.transform.is_some() {
        let kind = plugin.kind().name();
        return Err(Usage::error(format!(
            "--transform is for a route; {} is a {kind} plugin",
            arguments.plugin.plugin
        )));
    }
    let lines = match &arguments.transform {
        None => arguments.lines(plugin.kind())?,
        Some(transform) => arguments.events(&bench, transform)?,
    };
    let Ran {
        outcomes,
        logged,
        usage,
    } = bench::run(&plugin, &lines)?;
    show(arguments.format, &outcomes)?;
    for line in &logged {
        output::say(format_args!("{line}"));
    }
    let failed = outcomes.iter().filter(|o| o.failure().is_some()).count();
    let events = outcomes.iter().filter(|o| o.is_event()).count();
    let n = lines.len().max(1) as u32;
    output::say(format_args!(
        "{}, {}, {}; {:.1?} of CPU time per record",
        output::count(lines.len(), "record"),
        output::count(events, "event"),
        output::count(failed, "failure"),
        usage.cpu / n
    ));
    Ok(())
}

impl RunArguments {
    /// The records.
    fn lines(&self, kind: PluginKind) -> anyhow::Result<Vec<Line>> {
        match self.fetched.line()? {
            None => input::lines(self.records.as_deref(), kind),
            Some(line) => fixture::lines(line.as_bytes(), kind).map_err(anyhow::Error::msg),
        }
    }

    /// The events that a transform makes of the records.
    fn events(&self, bench: &Bench, transform: &str) -> anyhow::Result<Vec<Line>> {
        let transform = PluginArguments {
            plugin: transform.into(),
            config: self.transform_config.clone(),
        };
        let name = transform.plugin.clone();
        let transform = transform.load(bench)?;
        if transform.kind() != PluginKind::Transform {
            let kind = transform.kind().name();
            return Err(Usage::error(format!(
                "--transform: {name} is a {kind} plugin"
            )));
        }
        let lines = self.lines(PluginKind::Transform)?;
        bench::events_for_route(&transform, &lines).context(name)
    }
}

fn show(format: Option<Format>, outcomes: &[Outcome]) -> anyhow::Result<()> {
    let default = match std::io::stdout().is_terminal() {
        true => Format::Table,
        false => Format::Json,
    };
    if format.unwrap_or(default) == Format::Json {
        return Ok(output::lines(outcomes.iter().map(Outcome::to_line))?);
    }
    let mut table = Table::new(&["RECORD", "TO", "TYPE", "PAYLOAD"]);
    for outcome in outcomes {
        let record = outcome.source.clone();
        let record = record.unwrap_or_else(|| outcome.record.to_string());
        table.row([record].into_iter().chain(outcome.cells()));
    }
    Ok(table.print()?)
}
