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
    /// Makes topics.
    Create(create::Create),
    /// Lists topics.
    List(list::List),
    /// Shows a topic's partitions: leader, replicas, in-sync replicas, what
    /// they hold; and what it is configured with, where that is no default.
    Describe(describe::Describe),
    /// Gives a topic more partitions, or changes settings and leaves all
    /// others.
    Alter(alter::Alter),
    /// Deletes topics with all that is in them; asks first.
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
