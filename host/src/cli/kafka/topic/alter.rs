//! `millstream topic alter`.

use super::exit::Usage;
use super::{Reach, output, pair};
use crate::kafka::{ConfigChange, Connection, Topic};
use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

#[derive(Args)]
pub(in crate::cli) struct Alter {
    /// The topic to alter.
    topic: String,
    /// The new number of partitions, higher than the current one.
    #[arg(short, long, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// Sets a setting to this value.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Resets a setting to its default.
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// Adds a value to a setting that is a list.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    append: Vec<(String, String)>,
    /// Removes a value from a setting that is a list.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    subtract: Vec<(String, String)>,
    /// Only asks the brokers to validate the change.
    #[arg(long)]
    dry_run: bool,
    /// Prints one line of JSON.
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
        let what = "nothing to change: use --partitions, --set, --unset, --append or --subtract";
        return Err(Usage(what.into()).into());
    }
    let connection = arguments.reach.connect()?;
    let topic = connection.topic(&arguments.topic)?;
    check(&topic, arguments.partitions)?;
    connection.check_unset(&topic.name, &changes)?;
    // Validate everything before changing anything: it can't be undone.
    change(&connection, &topic, &changes, arguments.partitions, true)?;
    if !arguments.dry_run {
        change(&connection, &topic, &changes, arguments.partitions, false)?;
    }
    warn(&topic, arguments.partitions);
    say(arguments, &topic, &changes)
}

fn check(topic: &Topic, partitions: Option<i32>) -> anyhow::Result<()> {
    let now = topic.partitions.len();
    let is_more = |to| usize::try_from(to).is_ok_and(|to| to > now);
    if !partitions.is_none_or(is_more) {
        bail!(
            "the topic {} already has {}; Kafka can only add partitions",
            topic.name,
            output::count(now, "partition")
        );
    }
    Ok(())
}

fn change(
    connection: &Connection,
    topic: &Topic,
    changes: &[ConfigChange],
    partitions: Option<i32>,
    only_validate: bool,
) -> anyhow::Result<()> {
    if !changes.is_empty() {
        connection.change_configs(&topic.name, changes, only_validate)?;
    }
    let Some(to) = partitions else {
        return Ok(());
    };
    let grown = connection.add_partitions(&topic.name, to, only_validate);
    match changes.is_empty() || only_validate {
        true => Ok(grown?),
        false => grown.context("the topic's settings were changed, but not its partitions"),
    }
}

fn warn(topic: &Topic, partitions: Option<i32>) {
    if let Some(to) = partitions {
        let now = topic.partitions.len();
        output::say(format_args!(
            "millstream: warning: with {to} partitions instead of {now}, keys map to other \
             partitions: new records of a key may be read before its older ones"
        ));
    }
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
        "can be changed"
    } else {
        "changed"
    };
    Ok(output::line(format!(
        "{} {how}: {}",
        topic.name,
        done.join(", ")
    ))?)
}
