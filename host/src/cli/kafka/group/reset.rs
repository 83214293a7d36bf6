//! `millstream group reset`.

use super::exit::Usage;
use super::output::{self, or_dash};
use super::table::Table;
use super::{Reach, offset_spec};
use crate::kafka::{Move, OffsetSpec, Wanted};
use clap::Args;
use serde_json::json;

#[derive(Args)]
pub(in crate::cli) struct Reset {
    /// Its name.
    group: String,
    /// `earliest`, `latest`, an offset, `-N` for N before the end, or a time
    /// such as 2026-11-21T08:30:00Z: the first record of then or later.
    #[arg(long, value_parser = offset_spec::parse, allow_hyphen_values = true)]
    to: OffsetSpec,
    /// In this topic alone; needed where the group has committed nothing yet.
    #[arg(short, long)]
    topic: Option<String>,
    /// In these partitions of the topic alone; commas between.
    #[arg(short, long, value_delimiter = ',', requires = "topic")]
    partition: Vec<i32>,
    /// Shows what would be done, and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// Resets the group of a Millstream pipeline, too: for another program that takes it over.
    #[arg(long)]
    force: bool,
    /// A line of JSON a partition.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

pub(super) fn run(arguments: &Reset) -> anyhow::Result<()> {
    if matches!(arguments.to, OffsetSpec::Offset(_)) && arguments.topic.is_none() {
        let why = "an offset is of one topic: give --topic as well";
        return Err(Usage(why.into()).into());
    }
    let wanted = Wanted {
        group: arguments.group.clone(),
        topic: arguments.topic.clone(),
        partitions: arguments.partition.clone(),
        to: arguments.to,
        force: arguments.force,
    };
    let connection = arguments.reach.connect()?;
    let moves = connection.reset(&wanted, arguments.dry_run)?;
    match arguments.json {
        true => output::lines(moves.iter().map(|one| as_json(arguments, one)))?,
        false => print(&moves)?,
    }
    if arguments.dry_run && !arguments.json {
        output::say("millstream: nothing was changed (--dry-run)");
    }
    Ok(())
}

fn print(moves: &[Move]) -> std::io::Result<()> {
    let mut table = Table::new(&["TOPIC", "PARTITION", "FROM", "TO"]);
    for one in moves {
        table.row([
            one.topic.clone(),
            one.partition.to_string(),
            or_dash(one.from),
            one.to.to_string(),
        ]);
    }
    table.print()
}

fn as_json(arguments: &Reset, one: &Move) -> serde_json::Value {
    json!({
        "group": arguments.group,
        "topic": one.topic,
        "partition": one.partition,
        "from": one.from,
        "to": one.to,
        "written": !arguments.dry_run,
    })
}
