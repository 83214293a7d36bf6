//! `millstream topic alter`.

use super::exit::Usage;
use super::{Reach, output, pair};
use crate::kafka::{ConfigChange, Connection, Topic};
use anyhow::bail;
use clap::Args;
use serde_json::json;

#[derive(Args)]
pub(in crate::cli) struct Alter {
    /// Its name.
    topic: String,
    /// How many partitions it has from now on: more than now.
    #[arg(short, long, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// Gives a setting this value.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Puts a setting back to its default.
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// Adds to a setting that is a list.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    append: Vec<(String, String)>,
    /// Takes from a setting that is a list.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    subtract: Vec<(String, String)>,
    /// Only asks the brokers whether it could be done.
    #[arg(long)]
    dry_run: bool,
    /// A line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

impl Alter {
    fn changes(&self) -> Vec<ConfigChange> {
        let pairs = |pairs: &[(String, String)], change: fn(String, String) -> ConfigChange| {
            let each = pairs.iter().cloned();
            each.map(|(key, value)| change(key, value))
                .collect::<Vec<_>>()
        };
        let mut changes = pairs(&self.set, ConfigChange::Set);
        changes.extend(self.unset.iter().cloned().map(ConfigChange::Unset));
        changes.extend(pairs(&self.append, ConfigChange::Append));
        changes.extend(pairs(&self.subtract, ConfigChange::Subtract));
        changes
    }
}

pub(super) fn run(arguments: &Alter) -> anyhow::Result<()> {
    let changes = arguments.changes();
    if changes.is_empty() && arguments.partitions.is_none() {
        let what = "what is to change? Give --partitions, --set, --unset, --append or --subtract";
        return Err(Usage(what.into()).into());
    }
    let connection = arguments.reach.connect()?;
    let topic = connection.topic(&arguments.topic)?;
    if !changes.is_empty() {
        connection.change_configs(&topic.name, &changes, arguments.dry_run)?;
    }
    if let Some(partitions) = arguments.partitions {
        grow(&connection, &topic, partitions, arguments.dry_run)?;
    }
    say(arguments, &topic, &changes)
}

fn grow(connection: &Connection, topic: &Topic, to: i32, dry_run: bool) -> anyhow::Result<()> {
    let now = topic.partitions.len();
    if usize::try_from(to).is_ok_and(|to| to <= now) {
        bail!(
            "the topic {} has {} already, and Kafka can only add to them",
            topic.name,
            output::count(now, "partition")
        );
    }
    connection.add_partitions(&topic.name, to, dry_run)?;
    eprintln!(
        "millstream: warning: with {to} partitions instead of {now}, keys map to other partitions: \
         new records of a key may be read before its older ones"
    );
    Ok(())
}

fn say(arguments: &Alter, topic: &Topic, changes: &[ConfigChange]) -> anyhow::Result<()> {
    if arguments.json {
        return Ok(output::line(json!({
            "topic": topic.name,
            "configs": changes.len(),
            "partitions": arguments.partitions.map_or(topic.partitions.len() as i64, i64::from),
            "written": !arguments.dry_run,
        }))?);
    }
    let mut done = Vec::new();
    if !changes.is_empty() {
        done.push(output::count(changes.len(), "setting"));
    }
    if let Some(to) = arguments.partitions {
        done.push(format!("{} to {to} partitions", topic.partitions.len()));
    }
    let how = if arguments.dry_run {
        "could be changed"
    } else {
        "changed"
    };
    Ok(output::line(format!(
        "{} {how}: {}",
        topic.name,
        done.join(", ")
    ))?)
}
