//! Gauges that are computed when `/metrics` is read. They change with assignments and
//! swaps, and a stored gauge would keep the value of a revoked partition.

use super::Pipeline;
use super::swap::generations;
use std::fmt::Write;

/// The values of one partition.
struct Gauges {
    labels: String,
    next: Option<i64>,
    end: Option<i64>,
    halted: bool,
}

/// The pipelines' gauges, in Prometheus' text format.
pub fn exposition(pipelines: &[Pipeline]) -> String {
    let all: Vec<Gauges> = pipelines.iter().flat_map(gauges).collect();
    let mut out = String::new();
    family(
        &mut out,
        "millstream_ledger_offset",
        "The next offset to process. All records before it are done.",
        all.iter().filter_map(|g| Some((&g.labels, g.next?))),
    );
    family(
        &mut out,
        "millstream_end_offset",
        "The offset after the partition's last record, as of the last fetch.",
        all.iter().filter_map(|g| Some((&g.labels, g.end?))),
    );
    family(
        &mut out,
        "millstream_lag_records",
        "Records of the partition that are not done yet.",
        all.iter()
            .filter_map(|g| Some((&g.labels, (g.end? - g.next?).max(0)))),
    );
    family(
        &mut out,
        "millstream_partition_halted",
        "1 if the partition is halted; /readyz has the reason.",
        all.iter().map(|g| (&g.labels, i64::from(g.halted))),
    );
    let plugins: Vec<String> = pipelines.iter().flat_map(plugins).collect();
    family(
        &mut out,
        "millstream_plugin_info",
        "1 for each live plugin, by digest.",
        plugins.iter().map(|labels| (labels, 1)),
    );
    let refused = |pipeline: &Pipeline| {
        let labels = format!("pipeline=\"{}\"", pipeline.name());
        (labels, i64::from(pipeline.shared.refused().is_some()))
    };
    let refused: Vec<(String, i64)> = pipelines.iter().map(refused).collect();
    family(
        &mut out,
        "millstream_plugins_refused",
        "1 if the configured plugins were refused and others are live.",
        refused.iter().map(|(labels, refused)| (labels, *refused)),
    );
    out
}

fn family<'a>(
    out: &mut String,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (&'a String, i64)>,
) {
    // Writing into a String can't fail.
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n");
    for (labels, value) in values {
        let _ = writeln!(out, "{name}{{{labels}}} {value}");
    }
    out.push('\n');
}

fn gauges(pipeline: &Pipeline) -> Vec<Gauges> {
    let partitions = pipeline.shared.partitions();
    let mut all: Vec<_> = partitions
        .iter()
        .map(|(name, partition)| Gauges {
            // Names of pipelines and topics need no escapes.
            labels: format!(
                "pipeline=\"{}\",topic=\"{}\",partition=\"{}\"",
                pipeline.name(),
                name.topic,
                name.partition
            ),
            next: partition.done(),
            end: pipeline.consumer.end(name),
            halted: partition.halted().is_some(),
        })
        .collect();
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    all
}

fn plugins(pipeline: &Pipeline) -> Vec<String> {
    let generation = pipeline.shared.generation.load();
    let of = |(kind, program): (&str, &crate::plugin::Program)| {
        let name = program
            .name
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let digest = &program.digest;
        let pipeline = pipeline.name();
        format!("pipeline=\"{pipeline}\",kind=\"{kind}\",plugin=\"{name}\",digest=\"{digest}\"")
    };
    generations::programs(&generation).map(of).into()
}
