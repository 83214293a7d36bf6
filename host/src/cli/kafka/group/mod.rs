//! `millstream group list|describe|reset`.

mod describe;
mod list;
mod reset;

use super::reach::Reach;
use super::{bytes, exit, offset_spec, output, table};
use clap::Subcommand;

#[derive(Subcommand)]
pub(in crate::cli) enum GroupCommand {
    /// Lists groups and their states.
    List(list::List),
    /// Shows a group's members, and for each partition what it has committed,
    /// the partition's end, and the lag.
    Describe(describe::Describe),
    /// Says where a group goes on. It must have no members meanwhile.
    ///
    /// Pipelines of Millstream itself read from where their ledger says: for those it is
    /// `millstream offsets set`.
    Reset(reset::Reset),
}

pub(in crate::cli) fn run(command: GroupCommand) -> anyhow::Result<()> {
    match command {
        GroupCommand::List(arguments) => list::run(&arguments),
        GroupCommand::Describe(arguments) => describe::run(&arguments),
        GroupCommand::Reset(arguments) => reset::run(&arguments),
    }
}
