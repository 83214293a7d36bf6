//! The same records through two versions of a plugin: what differs, and what it
//! costs.

use super::bench::{self, Bench, Ran};
use super::outcome::Outcome;
use crate::plugin::fixture::Line;
use crate::plugin::{AnyPlugin, Case, Meter, Probe, Source, Usage};
use std::time::Duration;

/// A version: its file and its configuration.
pub struct Version {
    /// The plugin.
    pub source: Source,
    /// Its configuration.
    pub config: serde_json::Value,
}

/// What a version made of the records, and the cost.
pub struct Side {
    /// What it made of them.
    pub outcomes: Vec<Outcome>,
    /// WebAssembly instructions of all records, in batches as in a pipeline.
    pub instructions: u64,
    /// The instructions of each record, in a call of its own.
    pub alone: Vec<u64>,
    /// CPU time of all records: the median of some rounds.
    pub cpu: Duration,
}

/// The most rounds to measure time.
const ROUNDS: usize = 15;
/// No further round begins when the rounds have used this much CPU time.
const ENOUGH: Duration = Duration::from_secs(6);

/// Runs the records through both versions.
///
/// # Errors
/// If a version can't be loaded or started. The number names it: 0 or 1.
pub fn replay(
    versions: &[Version; 2],
    lines: &[Line],
) -> Result<[Side; 2], (usize, anyhow::Error)> {
    let cases: Vec<Case> = lines.iter().map(|line| line.case.clone()).collect();
    let counting = Bench::new(Meter::Instructions).map_err(|error| (0, error))?;
    let timing = Bench::new(Meter::Time).map_err(|error| (0, error))?;
    let side = |number: usize| -> anyhow::Result<(Side, AnyPlugin)> {
        let Version { source, config } = &versions[number];
        let plugin = counting.load(source, config.clone())?;
        let Ran {
            outcomes, usage, ..
        } = bench::run(&plugin, lines)?;
        let side = Side {
            outcomes,
            instructions: usage.instructions,
            alone: alone(&plugin, &cases)?,
            cpu: Duration::ZERO,
        };
        Ok((side, timing.load(source, config.clone())?))
    };
    let (mut before, old) = side(0).map_err(|error| (0, error))?;
    let (mut after, new) = side(1).map_err(|error| (1, error))?;
    [before.cpu, after.cpu] = times([&old, &new], &cases)?;
    Ok([before, after])
}

/// The instructions of each case in a call of its own.
fn alone(plugin: &AnyPlugin, cases: &[Case]) -> anyhow::Result<Vec<u64>> {
    let mut probe = Probe::new(plugin)?;
    let mut before = probe.usage().instructions;
    cases
        .iter()
        .map(|case| {
            probe.run(std::slice::from_ref(case))?;
            let after = probe.usage().instructions;
            let used = after - before;
            before = after;
            Ok(used)
        })
        .collect()
}

/// The median CPU times of both, in rounds that take turns in who is first.
fn times(
    plugins: [&AnyPlugin; 2],
    cases: &[Case],
) -> Result<[Duration; 2], (usize, anyhow::Error)> {
    let start = |side: usize| Probe::new(plugins[side]).map_err(|error| (side, error));
    let mut probes = [start(0)?, start(1)?];
    let (mut used, mut total) = ([Vec::new(), Vec::new()], Duration::ZERO);
    for round in 0..=ROUNDS {
        for side in [round % 2, (round + 1) % 2] {
            let Usage { cpu, .. } = probes[side].usage();
            probes[side].forget();
            probes[side].run(cases).map_err(|error| (side, error))?;
            let spent = probes[side].usage().cpu.saturating_sub(cpu);
            total += spent;
            // The first round only warms up.
            if round > 0 {
                used[side].push(spent);
            }
        }
        if round > 2 && total > ENOUGH {
            break;
        }
    }
    Ok(used.map(|mut rounds| {
        rounds.sort_unstable();
        rounds.get(rounds.len() / 2).copied().unwrap_or_default()
    }))
}
