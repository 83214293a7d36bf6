//! `millstream topic create|list|describe|alter|delete`.

mod alter;
mod create;
mod delete;
mod describe;
mod list;

use super::reach::Reach;
use super::{exit, output, pair, table};
use clap::Subcommand;

#[derive(Subcommand)]
pub(in crate::cli) enum TopicCommand {
    /// Creates topics.
    Create(create::Create),
    /// Lists topics.
    List(list::List),
    /// Shows the leader, replicas, in-sync replicas and offsets of a topic's
    /// partitions, and the topic's settings that are not defaults.
    Describe(describe::Describe),
    /// Adds partitions to a topic, or changes some of its settings.
    Alter(alter::Alter),
    /// Deletes topics and all their records; asks for confirmation.
    Delete(delete::Delete),
}

pub(in crate::cli) fn run(command: TopicCommand) -> anyhow::Result<()> {
    match command {
        TopicCommand::Create(arguments) => create::run(&arguments),
        TopicCommand::List(arguments) => list::run(&arguments),
        TopicCommand::Describe(arguments) => describe::run(&arguments),
        TopicCommand::Alter(arguments) => alter::run(&arguments),
        TopicCommand::Delete(arguments) => delete::run(&arguments),
    }
}
