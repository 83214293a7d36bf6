//! `millstream topic create`.

use super::{Reach, describe, output, pair};
use crate::kafka::{Connection, NewTopic};
use anyhow::bail;
use clap::Args;
use serde_json::json;

#[derive(Args)]
pub(in crate::cli) struct Create {
    /// The topics to create.
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,
    /// The number of partitions [default: the cluster's].
    #[arg(short, long, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// The number of replicas of each partition [default: the cluster's].
    #[arg(short, long, value_parser = clap::value_parser!(i32).range(1..=32767))]
    replication_factor: Option<i32>,
    /// A topic setting, such as retention.ms=86400000; can be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    configs: Vec<(String, String)>,
    /// Accepts a topic that already exists, and does not change it.
    #[arg(long)]
    if_not_exists: bool,
    /// Only asks the brokers to validate the request.
    #[arg(long)]
    dry_run: bool,
    /// Prints one line of JSON per topic.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

pub(super) fn run(arguments: &Create) -> anyhow::Result<()> {
    let connection = arguments.reach.connect()?;
    let mut results = output::Results::default();
    for topic in &arguments.topics {
        results.line(create(&connection, arguments, topic)?);
    }
    Ok(results.end()?)
}

/// Creates a topic; returns the line to print.
fn create(connection: &Connection, arguments: &Create, topic: &str) -> anyhow::Result<String> {
    let new = NewTopic {
        name: topic.into(),
        partitions: arguments.partitions,
        replication: arguments.replication_factor,
        configs: arguments.configs.clone(),
    };
    let made = connection.create_topic(&new, arguments.dry_run)?;
    if !made && !arguments.if_not_exists {
        bail!(
            "the topic {topic} already exists; --if-not-exists accepts it as it is, \
             `millstream topic alter` changes it"
        );
    }
    if made && arguments.dry_run {
        if arguments.json {
            let line = json!({ "topic": topic, "created": true, "written": false });
            return Ok(line.to_string());
        }
        return Ok(format!("{topic} can be created"));
    }
    let found = connection.new_topic(topic)?;
    if arguments.json {
        let mut described = describe::json(&found);
        described["created"] = made.into();
        return Ok(described.to_string());
    }
    let partitions = output::count(found.partitions.len(), "partition");
    let copies = found.replication();
    let what = if made { "created" } else { "already exists" };
    Ok(format!(
        "{topic} {what}: {partitions}, replication factor {copies}"
    ))
}
