//! `plugin replay`: records through two versions of a plugin.

use super::input::{self, PluginArguments};
use crate::authoring::compare::{Difference, compare};
use crate::authoring::replay::{Side, Version, replay};
use crate::cli::exit::Usage;
use crate::cli::output::{self, count};
use crate::cli::percent::percent;
use crate::plugin::fixture::Line;
use anyhow::bail;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Args)]
pub(in crate::cli) struct ReplayArguments {
    #[command(flatten)]
    plugin: PluginArguments,
    /// The other version, usually the one that is live: a .wasm file, or bundled:NAME.
    #[arg(long, value_name = "FILE")]
    against: String,
    /// The other version's configuration, as JSON or @FILE; without it, the same.
    #[arg(long, value_name = "JSON")]
    against_config: Option<String>,
    /// The records: files, or folders of fixtures; see `millstream capture`.
    #[arg(long, value_name = "PATH", required = true)]
    records: Vec<PathBuf>,
    /// The format of the differences.
    #[arg(long, value_enum, default_value_t = Style::Text)]
    format: Style,
    /// Shows at most this many differences. The counts include all.
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    show: usize,
    /// Fails if the plugin executes more instructions than the other version by more than this,
    /// for example 2%.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_if_slower: Option<f64>,
    /// Fails if any record gives another result.
    #[arg(long)]
    fail_if_different: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Style {
    /// For people.
    Text,
    /// A line of JSON for each record that differs; the summary goes to standard error.
    Json,
}

pub(super) fn run(arguments: &ReplayArguments) -> anyhow::Result<()> {
    let plugin = &arguments.plugin;
    let other = PluginArguments {
        plugin: arguments.against.clone(),
        config: arguments
            .against_config
            .as_ref()
            .unwrap_or(&plugin.config)
            .clone(),
    };
    let kinds = [input::kind(&other)?, input::kind(plugin)?];
    if kinds[0] != kinds[1] {
        return Err(Usage::error(format!(
            "{} is a {} plugin, but {} is a {} plugin",
            plugin.plugin,
            kinds[1].name(),
            other.plugin,
            kinds[0].name()
        )));
    }
    let captured = input::records(&arguments.records, kinds[0])?;
    let version = |of: &PluginArguments| -> anyhow::Result<Version> {
        let (source, config) = (of.source()?, of.config()?);
        Ok(Version { source, config })
    };
    let versions = [version(&other)?, version(plugin)?];
    let names = [&other.plugin, &plugin.plugin];
    let mut total = Total::default();
    for (file, lines) in &captured {
        let sides = replay(&versions, lines);
        let [before, after] = sides.map_err(|(side, error)| error.context(names[side].clone()))?;
        let differences = compare(lines, &before.outcomes, &after.outcomes);
        arguments.show(file, &differences, total.different)?;
        total.add(file, lines, &differences, [&before, &after]);
    }
    arguments.summarize(&total, names)?;
    arguments.judge(&total)
}

/// Sums over all files.
#[derive(Default)]
struct Total {
    records: usize,
    different: usize,
    kinds: BTreeMap<&'static str, usize>,
    instructions: [u64; 2],
    cpu: [std::time::Duration; 2],
    /// How much more the records cost, each alone, with the names of the records.
    dearer: Vec<(i64, String)>,
}

/// How many of the records with the greatest growth are named.
const DEAREST: usize = 3;

impl Total {
    fn add(&mut self, file: &str, lines: &[Line], found: &[Difference], sides: [&Side; 2]) {
        self.records += lines.len();
        self.different += found.len();
        for kind in found.iter().flat_map(Difference::kinds) {
            *self.kinds.entry(kind).or_default() += 1;
        }
        for (n, side) in sides.into_iter().enumerate() {
            self.instructions[n] += side.instructions;
            self.cpu[n] += side.cpu;
        }
        let grown = sides[0].alone.iter().zip(&sides[1].alone).zip(lines);
        let grown = grown.map(|((before, after), line)| {
            let source = line.source.as_ref();
            let name = source.map_or(String::new(), |source| format!(" ({source})"));
            let growth = *after as i64 - *before as i64;
            (growth, format!("{file}, record {}{name}", line.number))
        });
        self.dearer.extend(grown.filter(|(growth, _)| *growth > 0));
        self.dearer
            .sort_by_key(|(growth, _)| std::cmp::Reverse(*growth));
        self.dearer.truncate(DEAREST);
    }

    /// By how many percent the instructions have grown.
    fn slower(&self) -> f64 {
        growth(self.instructions[0] as f64, self.instructions[1] as f64)
    }
}

fn growth(before: f64, after: f64) -> f64 {
    match before == after {
        true => 0.0,
        false => (after / before - 1.0) * 100.0,
    }
}

impl ReplayArguments {
    /// Prints differences, as long as fewer than `--show` were printed.
    fn show(&self, file: &str, found: &[Difference], before: usize) -> anyhow::Result<()> {
        let found = found.iter().take(self.show.saturating_sub(before));
        match self.format {
            Style::Text => output::lines(found.map(|one| one.text(file)))?,
            Style::Json => output::lines(found.map(Difference::to_line))?,
        }
        Ok(())
    }

    fn summarize(&self, total: &Total, names: [&String; 2]) -> anyhow::Result<()> {
        let mut lines = Vec::new();
        let hidden = total.different.saturating_sub(self.show);
        if hidden > 0 {
            lines.push(format!("and {} more; see --show", count(hidden, "record")));
        }
        let kinds = total.kinds.iter();
        let kinds: Vec<_> = kinds.map(|(kind, n)| format!("{n} in {kind}")).collect();
        let kinds = match kinds.is_empty() {
            true => String::new(),
            false => format!(" ({})", kinds.join(", ")),
        };
        let (different, records) = (total.different, count(total.records, "record"));
        lines.push(format!("{different} of {records} differ{kinds}"));
        let records = total.records as f64;
        let [before, after] = total.instructions.map(|all| all as f64 / records);
        lines.push(format!(
            "instructions per record: {before:.0} -> {after:.0} ({:+.1}%)",
            total.slower()
        ));
        let [before, after] = total.cpu.map(|all| all.as_secs_f64() * 1e6 / records);
        lines.push(format!(
            "CPU time per record: {before:.2} us -> {after:.2} us ({:+.1}%; it varies between runs)",
            growth(before, after)
        ));
        for (more, name) in &total.dearer {
            lines.push(format!("  {name}: {more} instructions more"));
        }
        let [before, after] = names;
        lines.push(format!("(- and before ->: {before}; + and after: {after})"));
        match self.format {
            Style::Text => output::lines(lines)?,
            Style::Json => lines.into_iter().for_each(output::say),
        }
        Ok(())
    }

    fn judge(&self, total: &Total) -> anyhow::Result<()> {
        if self.fail_if_different && total.different > 0 {
            bail!("{} differ", count(total.different, "record"));
        }
        let slower = total.slower();
        match self.fail_if_slower {
            Some(most) if slower > most => bail!(
                "it executes {slower:.1}% more instructions than {}; at most {most}% are allowed",
                self.against
            ),
            _ => Ok(()),
        }
    }
}
