//! `millstream topic describe`.

use super::Reach;
use super::output::{self, or_dash};
use super::table::Table;
use crate::kafka::{ClusterError, Config, Connection, Ends, Partition, Topic};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Args)]
pub(in crate::cli) struct Describe {
    /// The topics to describe.
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,
    /// Prints one line of JSON per topic.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

/// Everything that is shown of a topic.
struct Shown {
    topic: Topic,
    ends: BTreeMap<i32, Ends>,
    /// Settings that are not defaults; `None` without the permission to read them.
    configs: Option<Vec<Config>>,
}

pub(super) fn run(arguments: &Describe) -> anyhow::Result<()> {
    let connection = arguments.reach.connect()?;
    for (index, topic) in connection
        .topics(&arguments.topics)?
        .into_iter()
        .enumerate()
    {
        let shown = Shown::of(&connection, topic)?;
        if arguments.json {
            output::line(shown.json())?;
            continue;
        }
        if index > 0 {
            output::line("")?;
        }
        shown.print()?;
    }
    Ok(())
}

impl Shown {
    fn of(connection: &Connection, topic: Topic) -> anyhow::Result<Shown> {
        let ends = connection.ends(&topic)?;
        let configs = match connection.configs(&topic.name) {
            Ok(mut configs) => {
                configs.retain(|config| config.source != "default");
                Some(configs)
            }
            Err(denied @ ClusterError::NotAllowed(_)) => {
                output::say(format_args!("millstream: {denied}"));
                None
            }
            Err(other) => return Err(other.into()),
        };
        Ok(Shown {
            topic,
            ends,
            configs,
        })
    }

    fn print(&self) -> anyhow::Result<()> {
        let Topic {
            name,
            id,
            partitions,
            ..
        } = &self.topic;
        let id = id.as_ref().map_or(String::new(), |id| format!(", ID {id}"));
        let count = output::count(partitions.len(), "partition");
        let copies = self.topic.replication();
        output::line(format!(
            "{name}: {count}, replication factor {copies}{id}\n"
        ))?;
        let mut table = Table::new(&[
            "PARTITION",
            "LEADER",
            "REPLICAS",
            "IN-SYNC",
            "EARLIEST",
            "LATEST",
        ]);
        for partition in partitions {
            table.row(self.row(partition));
        }
        table.print()?;
        self.print_configs()
    }

    fn row(&self, partition: &Partition) -> [String; 6] {
        let ends = self.ends.get(&partition.id);
        let ids = |ids: &[i32]| {
            let ids: Vec<String> = ids.iter().map(i32::to_string).collect();
            ids.join(",")
        };
        [
            partition.id.to_string(),
            partition
                .leader
                .map_or_else(|| "none".into(), |id| id.to_string()),
            ids(&partition.replicas),
            ids(&partition.in_sync),
            or_dash(ends.map(|ends| ends.earliest)),
            or_dash(ends.map(|ends| ends.latest)),
        ]
    }

    fn print_configs(&self) -> anyhow::Result<()> {
        let Some(configs) = self.configs.as_ref().filter(|all| !all.is_empty()) else {
            return Ok(());
        };
        let mut table = Table::new(&["CONFIG", "VALUE", "SET BY"]).words(1);
        for config in configs {
            table.row([
                config.name.clone(),
                config.value.clone().unwrap_or_else(|| "(hidden)".into()),
                config.source.into(),
            ]);
        }
        output::line("")?;
        Ok(table.print()?)
    }

    fn json(&self) -> Value {
        let mut described = json(&self.topic);
        if let Some(partitions) = described["partitions"].as_array_mut() {
            for (partition, shown) in self.topic.partitions.iter().zip(partitions) {
                let ends = self.ends.get(&partition.id);
                shown["earliest"] = ends.map(|ends| ends.earliest).into();
                shown["latest"] = ends.map(|ends| ends.latest).into();
            }
        }
        let config = |config: &Config| {
            let value = json!({ "value": config.value, "set-by": config.source });
            (config.name.clone(), value)
        };
        let configs = self.configs.as_ref();
        let configs = configs.map(|all| Value::Object(all.iter().map(config).collect()));
        described["configs"] = configs.into();
        described
    }
}

/// A topic as JSON, without its offsets.
pub(super) fn json(topic: &Topic) -> Value {
    let partition = |partition: &Partition| {
        json!({
            "partition": partition.id,
            "leader": partition.leader,
            "replicas": partition.replicas,
            "in-sync": partition.in_sync,
        })
    };
    json!({
        "topic": topic.name,
        "id": topic.id,
        "internal": topic.internal,
        "replication-factor": topic.replication(),
        "partitions": topic.partitions.iter().map(partition).collect::<Vec<_>>(),
    })
}
