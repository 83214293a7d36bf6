//! `millstream group describe`.

use super::output::{self, or_dash};
use super::table::Table;
use super::{Reach, bytes};
use crate::kafka::{Group, GroupOffset, Member};
use clap::Args;
use serde_json::{Value, json};

#[derive(Args)]
pub(in crate::cli) struct Describe {
    /// The groups to describe.
    #[arg(required = true, value_name = "GROUP")]
    groups: Vec<String>,
    /// Prints one line of JSON per group.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

pub(super) fn run(arguments: &Describe) -> anyhow::Result<()> {
    let connection = arguments.reach.connect()?;
    for (index, group) in arguments.groups.iter().enumerate() {
        let group = connection.group(group)?;
        if arguments.json {
            output::line(as_json(&group))?;
            continue;
        }
        if index > 0 {
            output::line("")?;
        }
        print(&group)?;
    }
    Ok(())
}

fn print(group: &Group) -> anyhow::Result<()> {
    output::line(headline(group))?;
    if !group.members.is_empty() {
        output::line("")?;
        members(group).print()?;
    }
    if !group.offsets.is_empty() {
        output::line("")?;
        offsets(group).print()?;
    }
    Ok(())
}

fn headline(group: &Group) -> String {
    let Group { name, state, .. } = group;
    let members = output::count(group.members.len(), "member");
    let assignor = match group.assignor.as_str() {
        "" => String::new(),
        assignor => format!(", assignor {assignor}"),
    };
    let coordinator = group.coordinator;
    let coordinator = coordinator.map_or(String::new(), |id| format!(", coordinator {id}"));
    let lag: i64 = group.offsets.iter().filter_map(GroupOffset::lag).sum();
    let line = format!("{name}: {state}, {members}, lag {lag}{assignor}{coordinator}");
    bytes::line(&line)
}

fn members(group: &Group) -> Table {
    let mut table = Table::new(&["MEMBER", "CLIENT", "HOST", "PARTITIONS"]);
    for (index, member) in group.members.iter().enumerate() {
        table.row([
            (index + 1).to_string(),
            member
                .instance
                .clone()
                .unwrap_or_else(|| member.client.clone()),
            member.host.clone(),
            held(member),
        ]);
    }
    table
}

/// `orders/0,1,2 letters/0`.
fn held(member: &Member) -> String {
    let mut held = String::new();
    let mut last = None;
    for (topic, partition) in &member.partitions {
        match last == Some(topic) {
            true => held.push_str(&format!(",{partition}")),
            false => held.push_str(&format!(" {topic}/{partition}")),
        }
        last = Some(topic);
    }
    match held.is_empty() {
        true => "none".into(),
        false => held.trim_start().into(),
    }
}

fn offsets(group: &Group) -> Table {
    let mut table = Table::new(&["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER"]);
    for offset in &group.offsets {
        table.row([
            offset.topic.clone(),
            offset.partition.to_string(),
            or_dash(offset.committed),
            or_dash(offset.end),
            or_dash(offset.lag()),
            or_dash(offset.member.map(|index| index + 1)),
        ]);
    }
    table
}

fn as_json(group: &Group) -> Value {
    let partition =
        |(topic, partition): &(String, i32)| json!({ "topic": topic, "partition": partition });
    let member = |member: &Member| {
        json!({
            "id": member.id,
            "client": member.client,
            "instance": member.instance,
            "host": member.host,
            "partitions": member.partitions.iter().map(partition).collect::<Vec<_>>(),
        })
    };
    let offset = |offset: &GroupOffset| {
        let holder = offset.member.and_then(|at| group.members.get(at));
        json!({
            "topic": offset.topic,
            "partition": offset.partition,
            "committed": offset.committed,
            "end": offset.end,
            "lag": offset.lag(),
            "member": holder.map(|member| &member.id),
        })
    };
    json!({
        "group": group.name,
        "state": group.state,
        "assignor": group.assignor,
        "coordinator": group.coordinator,
        "members": group.members.iter().map(member).collect::<Vec<_>>(),
        "partitions": group.offsets.iter().map(offset).collect::<Vec<_>>(),
    })
}
