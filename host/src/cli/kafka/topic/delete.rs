//! `millstream topic delete`.

use super::exit::Usage;
use super::{Reach, output};
use crate::kafka::{ClusterError, Connection, Topic};
use anyhow::{anyhow, bail};
use clap::Args;
use serde_json::json;
use std::io::{IsTerminal, stdin};

#[derive(Args)]
pub(in crate::cli) struct Delete {
    /// The topics to delete.
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,
    /// Does not ask for confirmation.
    #[arg(short, long)]
    yes: bool,
    /// Prints one line of JSON per topic.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

pub(super) fn run(arguments: &Delete) -> anyhow::Result<()> {
    if !arguments.yes && !stdin().is_terminal() {
        let why = "can't ask for confirmation: standard input is not a terminal; deleting can't be \
                   undone, use --yes to delete";
        return Err(Usage(why.into()).into());
    }
    let connection = arguments.reach.connect()?;
    // Look up all topics before deleting any.
    let topics = connection.topics(&arguments.topics).map_err(absent)?;
    if !arguments.yes && !is_meant(&connection, &topics)? {
        bail!("nothing was deleted");
    }
    let mut results = output::Results::default();
    for topic in &topics {
        connection.delete_topic(&topic.name)?;
        match arguments.json {
            true => results.line(json!({ "topic": topic.name, "deleted": true })),
            false => results.line(format!("{} deleted", topic.name)),
        }
    }
    Ok(results.end()?)
}

/// The error for a missing topic, without the advice to create it.
fn absent(failure: ClusterError) -> anyhow::Error {
    let ClusterError::NoTopic { topic, nearest } = failure else {
        return failure.into();
    };
    let like = nearest.map_or_else(String::new, |name| format!("did you mean {name}? "));
    anyhow!("topic {topic} does not exist; {like}Nothing was deleted")
}

fn is_meant(connection: &Connection, topics: &[Topic]) -> anyhow::Result<bool> {
    for topic in topics {
        let ends = connection.ends(topic)?;
        let offsets: i64 = ends.values().map(|ends| ends.latest - ends.earliest).sum();
        let partitions = output::count(topic.partitions.len(), "partition");
        let offsets = output::count(usize::try_from(offsets).unwrap_or(0), "record");
        output::say(format_args!(
            "{}: {partitions}, up to {offsets}",
            topic.name
        ));
    }
    let them = if topics.len() == 1 { "it" } else { "them" };
    output::ask(format_args!("Delete {them} permanently? [y/N]"));
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
