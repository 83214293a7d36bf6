//! `millstream group list|describe|reset`.

mod describe;
mod list;
mod reset;

use super::reach::Reach;
use super::{bytes, exit, offset_spec, output, table};
use clap::Subcommand;

#[derive(Subcommand)]
pub(in crate::cli) enum GroupCommand {
    /// Lists consumer groups and their states.
    List(list::List),
    /// Shows a group's members, and the committed offset, end offset and lag of
    /// each partition.
    Describe(describe::Describe),
    /// Sets a group's committed offsets. The group must have no members.
    ///
    /// Millstream's pipelines start from their ledgers: use `millstream offsets set` for them.
    Reset(reset::Reset),
}

pub(in crate::cli) fn run(command: GroupCommand) -> anyhow::Result<()> {
    match command {
        GroupCommand::List(arguments) => list::run(&arguments),
        GroupCommand::Describe(arguments) => describe::run(&arguments),
        GroupCommand::Reset(arguments) => reset::run(&arguments),
    }
}
