//! `millstream offsets show|set`.

use crate::config::{self, Role};
use crate::pipeline::offsets::{self, Change, Standing, Target, Which};
use clap::{Args, Subcommand};
use std::path::PathBuf;

mod time;

#[derive(Subcommand)]
pub(super) enum OffsetsCommand {
    /// Shows where the pipelines are in their topics.
    Show {
        #[command(flatten)]
        which: Chosen,
        /// A line of JSON a partition.
        #[arg(long)]
        json: bool,
    },
    /// Says where a pipeline goes on. It must not run meanwhile.
    ///
    /// Going back delivers events again that are in the streams already; going
    /// ahead leaves records out.
    Set {
        #[command(flatten)]
        which: Chosen,
        /// `earliest`, `latest`, an offset, or a time such as
        /// 2026-11-21T08:30:00Z: the first record of then or later.
        #[arg(long, value_parser = parse_target)]
        to: Target,
        /// Shows what would be done, and does nothing.
        #[arg(long)]
        dry_run: bool,
        /// A line of JSON a partition.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub(super) struct Chosen {
    /// The configuration file.
    #[arg(short, long, default_value = "millstream.toml")]
    config: PathBuf,
    /// Of this pipeline alone.
    #[arg(long)]
    pipeline: Option<String>,
    /// Of this topic alone.
    #[arg(long)]
    topic: Option<String>,
    /// Of this partition alone.
    #[arg(long)]
    partition: Option<i32>,
}

impl Chosen {
    fn read(self) -> anyhow::Result<(config::Settings, Which)> {
        let settings = config::load(&self.config, Role::Ingest)?;
        offsets::check_store(&settings)?;
        let which = Which {
            pipeline: self.pipeline,
            topic: self.topic,
            partition: self.partition,
        };
        Ok((settings, which))
    }
}

pub(super) fn run(command: OffsetsCommand) -> anyhow::Result<()> {
    match command {
        OffsetsCommand::Show { which, json } => {
            let (settings, which) = which.read()?;
            let standings = offsets::show(&settings, &which)?;
            match json {
                true => standings.iter().for_each(|s| println!("{}", describe(s))),
                false => print_standings(&standings),
            }
        }
        OffsetsCommand::Set {
            which,
            to,
            dry_run,
            json,
        } => {
            let (settings, which) = which.read()?;
            let changes = offsets::set(&settings, &which, to, !dry_run)?;
            for change in &changes {
                match json {
                    true => println!("{}", describe_change(change, dry_run)),
                    false => print_change(change, dry_run),
                }
            }
        }
    }
    Ok(())
}

fn parse_target(text: &str) -> Result<Target, String> {
    match text {
        "earliest" => return Ok(Target::Earliest),
        "latest" => return Ok(Target::Latest),
        _ => {}
    }
    if let Ok(offset) = text.parse::<i64>() {
        return match offset {
            0.. => Ok(Target::Offset(offset)),
            _ => Err("an offset is not negative".into()),
        };
    }
    time::millis(text).map(Target::Time).ok_or_else(|| {
        "expected `earliest`, `latest`, an offset, or a time such as 2026-11-21T08:30:00Z".into()
    })
}

fn number(n: Option<i64>) -> String {
    n.map_or_else(|| "-".into(), |n| n.to_string())
}

fn print_standings(standings: &[Standing]) {
    let head = [
        "PIPELINE",
        "TOPIC",
        "PARTITION",
        "NEXT",
        "FIRST",
        "END",
        "LAG",
        "COMMITTED",
        "NOTE",
    ];
    let row = |s: &Standing| {
        [
            s.pipeline.clone(),
            s.partition.topic.to_string(),
            s.partition.partition.to_string(),
            number(s.ledger.as_ref().map(|ledger| ledger.next)),
            s.low.to_string(),
            s.high.to_string(),
            number(s.lag()),
            number(s.committed),
            s.note().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = [head.map(String::from)]
        .into_iter()
        .chain(standings.iter().map(row))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate();
        // Names to the left, numbers to the right.
        let cell = |(column, (cell, width)): (usize, (&String, &usize))| match column {
            0 | 1 | 8 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        };
        println!(
            "{}",
            cells.map(cell).collect::<Vec<_>>().join("  ").trim_end()
        );
    }
}

fn print_change(change: &Change, dry_run: bool) {
    let Change { before, next } = change;
    let was = before.ledger.as_ref().map(|ledger| ledger.next);
    let would = if dry_run { "would go on" } else { "goes on" };
    println!(
        "{} {}: {would} at {next} (was {}; it holds {} to {})",
        before.pipeline,
        before.partition,
        number(was),
        before.low,
        before.high
    );
}

fn describe(standing: &Standing) -> serde_json::Value {
    serde_json::json!({
        "pipeline": standing.pipeline,
        "group": standing.group,
        "topic": &*standing.partition.topic,
        "partition": standing.partition.partition,
        "next": standing.ledger.as_ref().map(|ledger| ledger.next),
        "first": standing.low,
        "end": standing.high,
        "lag": standing.lag(),
        "committed": standing.committed,
        "note": standing.note(),
    })
}

fn describe_change(change: &Change, dry_run: bool) -> serde_json::Value {
    let mut described = describe(&change.before);
    described["to"] = change.next.into();
    described["written"] = (!dry_run).into();
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_word_an_offset_or_a_time() {
        let target = |text| parse_target(text).ok();
        assert_eq!(target("earliest"), Some(Target::Earliest));
        assert_eq!(target("latest"), Some(Target::Latest));
        assert_eq!(target("0"), Some(Target::Offset(0)));
        assert_eq!(target("1970-01-01T00:00:01Z"), Some(Target::Time(1000)));
        for wrong in ["", "-1", "oldest", "2026-11-21", "1.5"] {
            assert_eq!(target(wrong), None, "{wrong}");
        }
    }
}
