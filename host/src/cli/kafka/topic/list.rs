//! `millstream topic list`.

use super::table::Table;
use super::{Reach, describe, output};
use clap::Args;

#[derive(Args)]
pub(in crate::cli) struct List {
    /// Includes Kafka's internal topics.
    #[arg(long)]
    internal: bool,
    /// Prints one line of JSON per topic.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

pub(super) fn run(arguments: &List) -> anyhow::Result<()> {
    let connection = arguments.reach.connect()?;
    let mut topics = connection.topics_where(|_| true)?;
    topics.retain(|topic| arguments.internal || !topic.internal);
    if arguments.json {
        return Ok(output::lines(topics.iter().map(describe::json))?);
    }
    let mut table = Table::new(&["TOPIC", "PARTITIONS", "REPLICATION"]);
    for topic in &topics {
        table.row([
            topic.name.clone(),
            topic.partitions.len().to_string(),
            topic.replication().to_string(),
        ]);
    }
    Ok(table.print()?)
}
