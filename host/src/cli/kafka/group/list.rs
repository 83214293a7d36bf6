//! `millstream group list`.

use super::table::Table;
use super::{Reach, output};
use crate::kafka::{Listed, Listing};
use clap::Args;
use serde_json::json;

#[derive(Args)]
pub(in crate::cli) struct List {
    /// Prints one line of JSON per group.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

pub(super) fn run(arguments: &List) -> anyhow::Result<()> {
    let Listing { groups, broken } = arguments.reach.connect()?.groups()?;
    let printed = match arguments.json {
        true => {
            let line = |one: &Listed| json!({ "group": one.group, "state": one.state });
            output::lines(groups.iter().map(line))
        }
        false if groups.is_empty() && broken.is_some() => Ok(()),
        false => print(groups),
    };
    match broken {
        // The groups of the other brokers are shown. The error says that the
        // list is incomplete, even if the output was closed.
        Some(failure) => Err(failure.into()),
        None => Ok(printed?),
    }
}

fn print(groups: Vec<Listed>) -> std::io::Result<()> {
    let mut table = Table::new(&["GROUP", "STATE"]);
    for one in groups {
        table.row([one.group, one.state]);
    }
    table.print()
}
