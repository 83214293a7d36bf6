//! `millstream capture`: records as they really are, as fixtures for plugins.

mod client;
mod letters;
mod live;
mod sink;
mod topic;

pub(super) use letters::failure_of;

use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum CaptureCommand {
    /// Records of a topic, up to its current end.
    Topic(topic::TopicArguments),
    /// The records that made the events of a client's or a group's stream.
    Client(client::ClientArguments),
    /// The records of dead letters, each with its failure.
    Letters(letters::LettersArguments),
    /// A share of the records that arrive from now on in a pipeline's topics. The daemon does not
    /// notice.
    Live(live::LiveArguments),
}

pub(super) fn run(command: &CaptureCommand) -> anyhow::Result<()> {
    match command {
        CaptureCommand::Topic(arguments) => topic::run(arguments),
        CaptureCommand::Client(arguments) => client::run(arguments),
        CaptureCommand::Letters(arguments) => letters::run(arguments),
        CaptureCommand::Live(arguments) => live::run(arguments),
    }
}
