//! `millstream group list`.

use super::table::Table;
use super::{Reach, output};
use clap::Args;
use serde_json::json;

#[derive(Args)]
pub(in crate::cli) struct List {
    /// A line of JSON a group.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

pub(super) fn run(arguments: &List) -> anyhow::Result<()> {
    let groups = arguments.reach.connect()?.groups()?;
    if arguments.json {
        let line = groups
            .iter()
            .map(|one| json!({ "group": one.group, "state": one.state }));
        return Ok(output::lines(line)?);
    }
    let mut table = Table::new(&["GROUP", "STATE"]);
    for one in groups {
        table.row([one.group, one.state]);
    }
    Ok(table.print()?)
}
