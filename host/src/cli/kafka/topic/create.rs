//! `millstream topic create`.

use super::{Reach, describe, output, pair};
use crate::kafka::{Connection, NewTopic};
use anyhow::bail;
use clap::Args;
use serde_json::json;

#[derive(Args)]
pub(in crate::cli) struct Create {
    /// Their names.
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,
    /// How many partitions [default: the cluster's].
    #[arg(short, long, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// How many copies of each [default: the cluster's].
    #[arg(short, long, value_parser = clap::value_parser!(i32).range(1..=32767))]
    replication_factor: Option<i32>,
    /// A setting, such as retention.ms=86400000; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    configs: Vec<(String, String)>,
    /// A topic that is there already is fine, and stays as it is.
    #[arg(long)]
    if_not_exists: bool,
    /// Only asks the brokers whether it could be made.
    #[arg(long)]
    dry_run: bool,
    /// A line of JSON a topic.
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

/// What there is to say of it.
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
            "the topic {topic} is there already; --if-not-exists takes it as it is, \
             `millstream topic alter` changes it"
        );
    }
    if made && arguments.dry_run {
        if arguments.json {
            let line = json!({ "topic": topic, "created": true, "written": false });
            return Ok(line.to_string());
        }
        return Ok(format!("{topic} could be created"));
    }
    let found = connection.new_topic(topic)?;
    if arguments.json {
        let mut described = describe::json(&found);
        described["created"] = made.into();
        return Ok(described.to_string());
    }
    let partitions = output::count(found.partitions.len(), "partition");
    let copies = found.replication();
    let what = if made { "created" } else { "is there already" };
    Ok(format!(
        "{topic} {what}: {partitions}, replication factor {copies}"
    ))
}
