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
    /// The group to reset.
    group: String,
    /// The next offset: `earliest`, `latest`, an offset, `-N` for N records
    /// before the end, or a time such as 2026-11-21T08:30:00Z for the first
    /// record at or after it.
    #[arg(long, value_parser = offset_spec::parse, allow_hyphen_values = true)]
    to: OffsetSpec,
    /// Only this topic; required where the group has committed nothing yet.
    #[arg(short, long)]
    topic: Option<String>,
    /// Only these partitions of the topic, separated by commas.
    #[arg(short, long, value_delimiter = ',', requires = "topic")]
    partition: Vec<i32>,
    /// Shows what would change, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Also resets the group of a Millstream pipeline, for another program that takes it over.
    #[arg(long)]
    force: bool,
    /// Prints one line of JSON per partition.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

pub(super) fn run(arguments: &Reset) -> anyhow::Result<()> {
    if matches!(arguments.to, OffsetSpec::Offset(_)) && arguments.topic.is_none() {
        let why = "an offset applies to one topic only: use --topic as well";
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
