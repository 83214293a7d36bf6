//! `millstream offsets show|set`.

use super::offset_spec;
use super::output;
use super::table::Table;
use crate::config::{self, Role};
use crate::kafka::{Connection, OffsetSpec};
use crate::pipeline::offsets::{self, Change, How, Kept, Standing, Which};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum OffsetsCommand {
    /// Shows each partition's offsets and lag.
    Show {
        #[command(flatten)]
        which: Chosen,
        /// Prints one line of JSON per partition.
        #[arg(long)]
        json: bool,
    },
    /// Sets a pipeline's next offset. Stop the pipeline first.
    ///
    /// An earlier offset delivers events again. A later offset skips records.
    Set {
        #[command(flatten)]
        which: Chosen,
        /// The next offset: `earliest`, `latest`, an offset, or a time such as
        /// 2026-11-21T08:30:00Z for the first record at or after it.
        #[arg(long, value_parser = target)]
        to: OffsetSpec,
        /// Shows what would change, and changes nothing.
        #[arg(long)]
        dry_run: bool,
        /// Only partitions that the daemon reported as halted.
        #[arg(long)]
        halted: bool,
        /// Takes over a ledger that another Kafka cluster wrote. A pipeline that
        /// reads from that cluster halts.
        #[arg(long)]
        force: bool,
        /// Keeps the values of a transform with state: records that are read again
        /// meet what they, and later ones, left.
        #[arg(long, conflicts_with = "forget_values")]
        keep_values: bool,
        /// Removes the values of a transform with state: it begins without any.
        #[arg(long)]
        forget_values: bool,
        /// Prints one line of JSON per partition.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub(super) struct Chosen {
    /// The configuration file.
    #[arg(short, long, default_value = "millstream.toml")]
    config: PathBuf,
    /// Only this pipeline.
    #[arg(long)]
    pipeline: Option<String>,
    /// Only this topic.
    #[arg(long)]
    topic: Option<String>,
    /// Only this partition.
    #[arg(long)]
    partition: Option<i32>,
}

impl Chosen {
    fn read(self) -> anyhow::Result<(config::Settings, Which)> {
        let settings = config::load(&self.config, Role::Ingest)?;
        offsets::check_store(&settings.store)?;
        // Without this check, an unreachable Kafka is reported only after ten seconds, without its
        // address.
        Connection::open(settings.kafka()?.clone())?;
        let which = Which {
            pipeline: self.pipeline,
            topic: self.topic,
            partition: self.partition,
            halted: false,
        };
        Ok((settings, which))
    }
}

pub(super) fn run(command: OffsetsCommand) -> anyhow::Result<()> {
    match command {
        OffsetsCommand::Show { which, json } => {
            let (settings, which) = which.read()?;
            let standings = offsets::show(settings.resources()?, &which)?;
            match json {
                true => output::lines(standings.iter().map(describe))?,
                false => print_standings(&standings)?,
            }
        }
        OffsetsCommand::Set {
            which,
            to,
            dry_run,
            halted,
            force,
            keep_values,
            forget_values,
            json,
        } => {
            let (settings, which) = which.read()?;
            let which = Which { halted, ..which };
            let how = How {
                write: !dry_run,
                force,
                values: match (keep_values, forget_values) {
                    (true, _) => Some(Kept::Keep),
                    (_, true) => Some(Kept::Forget),
                    _ => None,
                },
            };
            let changes = offsets::set(settings.resources()?, &which, to, how)?;
            match json {
                true => output::lines(changes.iter().map(|c| describe_change(c, dry_run)))?,
                false => output::lines(changes.iter().map(|c| change_in_words(c, dry_run)))?,
            }
        }
    }
    Ok(())
}

fn target(text: &str) -> Result<OffsetSpec, String> {
    match offset_spec::parse(text) {
        Ok(OffsetSpec::BeforeEnd(_)) => Err("an offset can't be negative".into()),
        Ok(target) => Ok(target),
        Err(_) => Err(
            "expected `earliest`, `latest`, an offset, or a time such as 2026-11-21T08:30:00Z"
                .into(),
        ),
    }
}

fn number(n: Option<i64>) -> String {
    n.map_or_else(|| "-".into(), |n| n.to_string())
}

fn print_standings(standings: &[Standing]) -> std::io::Result<()> {
    let mut table = Table::new(&[
        "PIPELINE",
        "TOPIC",
        "PARTITION",
        "NEXT",
        "FIRST",
        "END",
        "LAG",
        "COMMITTED",
        "NOTE",
    ]);
    for s in standings {
        table.row([
            s.pipeline.clone(),
            s.partition.topic.to_string(),
            s.partition.partition.to_string(),
            number(s.ledger.as_ref().map(|ledger| ledger.next)),
            s.low.to_string(),
            s.high.to_string(),
            number(s.lag()),
            number(s.committed),
            s.note().unwrap_or_default(),
        ]);
    }
    table.print()
}

fn change_in_words(change: &Change, dry_run: bool) -> String {
    let Change { before, next } = change;
    let was = before.ledger.as_ref().map(|ledger| ledger.next);
    let would = if dry_run {
        "would continue"
    } else {
        "continues"
    };
    format!(
        "{} {}: {would} at {next} (was {}; available: {} to {})",
        before.pipeline,
        before.partition,
        number(was),
        before.low,
        before.high
    )
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
        "values": standing.values,
        "note": standing.note(),
    })
}

fn describe_change(change: &Change, dry_run: bool) -> serde_json::Value {
    let mut described = describe(&change.before);
    described["to"] = change.next.into();
    described["written"] = (!dry_run).into();
    described
}
