//! `plugin check`: whether a plugin may go live, and what it costs.

use super::input::{self, PluginArguments};
use super::inspect;
use super::types_check;
use crate::authoring::{Bench, bench};
use crate::cli::kafka::registry_reach::RegistryReach;
use crate::cli::output;
use crate::plugin::conformance;
use crate::plugin::fixture::Line;
use crate::plugin::{AnyPlugin, Meter, Probe};
use anyhow::Context;
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(in crate::cli) struct CheckArguments {
    #[command(flatten)]
    plugin: PluginArguments,
    /// Records of your own to test it with: a file, or a folder of fixtures. Only with them a kept
    /// counter and the like are found.
    #[arg(long, value_name = "PATH")]
    records: Vec<PathBuf>,
    #[command(flatten)]
    reach: RegistryReach,
}

/// How often the records are run to measure them.
const ROUNDS: u32 = 200;

pub(super) fn run(arguments: &CheckArguments) -> anyhow::Result<()> {
    let name = &arguments.plugin.plugin;
    let bench = Bench::new(Meter::Time)?;
    let (source, config) = (arguments.plugin.source()?, arguments.plugin.config()?);
    let inspected = bench.inspect(&source).with_context(|| name.clone())?;
    output::lines(inspect::lines(&inspected))?;
    let plugin = bench.start(&source, config, &inspected);
    let plugin = plugin.with_context(|| name.clone())?;
    let own = input::records(&arguments.records, plugin.kind())?;
    output::lines(costs(&plugin, &own)?)?;
    output::lines(types_check::lines(Path::new(name), &arguments.reach)?)?;
    bench::conforms(&plugin, &own).with_context(|| name.clone())?;
    let count: usize = own.iter().map(|(_, lines)| lines.len()).sum();
    let own = match count {
        0 => "none of your own; see --records".into(),
        n => format!("{n} of your own"),
    };
    let standard = conformance::standard().len();
    Ok(output::line(format_args!(
        "{:<13} passed, with {standard} test records and {own}",
        "conformance"
    ))?)
}

/// The memory of an instance at rest, and the costs of a call and of a record.
fn costs(plugin: &AnyPlugin, own: &[(String, Vec<Line>)]) -> anyhow::Result<Vec<String>> {
    let start = || Probe::new(plugin);
    let memory = start()?.usage().memory;
    let own: Vec<_> = own.iter().flat_map(|(_, lines)| lines).collect();
    let (cases, which) = match own.is_empty() {
        true => {
            let standard = conformance::standard();
            // Not the large one, which would be most of the cost.
            let small = standard.into_iter().map(|named| named.case);
            let small = small.filter(|case| {
                case.record
                    .value
                    .as_ref()
                    .is_none_or(|value| value.len() < 1024)
            });
            (small.collect::<Vec<_>>(), "small test records")
        }
        false => (
            own.iter().map(|line| line.case.clone()).collect(),
            "your records",
        ),
    };
    let one = cases.iter().take(1).cloned().collect::<Vec<_>>();
    let batch: Vec<_> = { cases.iter().cycle() }
        .take(crate::plugin::BATCH)
        .cloned()
        .collect();
    let call = mean(&mut start()?, &one)?;
    let record = mean(&mut start()?, &batch)? / batch.len().max(1) as u32;
    Ok(vec![
        format!("{:<13} {} KiB at rest", "memory", memory.div_ceil(1024)),
        format!(
            "{:<13} {call:.1?} for a call with one record; {record:.2?} per record in a batch of \
             {} ({which})",
            "CPU time",
            batch.len()
        ),
    ])
}

fn mean(probe: &mut Probe, cases: &[crate::plugin::Case]) -> anyhow::Result<std::time::Duration> {
    probe.run(cases)?;
    let before = probe.usage();
    let rounds = ROUNDS.min(100_000 / cases.len().max(1) as u32).max(3);
    let mut done = 0;
    for _ in 0..rounds {
        probe.run(cases)?;
        done += 1;
        if probe.usage().cpu > std::time::Duration::from_millis(500) {
            break;
        }
    }
    Ok((probe.usage().cpu - before.cpu) / done)
}
