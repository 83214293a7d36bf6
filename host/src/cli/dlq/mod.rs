//! `millstream dlq list|show|replay`: lists, shows and replays dead letters.

mod choice;
mod filter;
mod letters;
mod list;
mod originals;
mod replay;
mod report;
mod show;
mod topics;

pub(super) use choice::Choice;
pub(super) use letters::Letters;
pub(super) use originals::Originals;

use super::{bytes, stop, time};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum DlqCommand {
    /// Lists dead letters, and counts them by class, plugin and topic.
    List {
        #[command(flatten)]
        choice: choice::Choice,
        /// Prints only the counts.
        #[arg(long, conflicts_with = "json")]
        summary: bool,
        /// Prints one line of JSON per letter.
        #[arg(long)]
        json: bool,
    },
    /// Shows one dead letter: its failure, its record and its value.
    Show(show::Show),
    /// Replays the records of dead letters in their pipeline. However often the
    /// command runs, each record is replayed once.
    ///
    /// The exit code is 1 if any letter failed again or was refused. Letters
    /// always stay in their topic.
    Replay(replay::ReplayArguments),
}

/// The configuration file.
#[derive(Args)]
pub(in crate::cli) struct Configured {
    /// The configuration file.
    #[arg(short, long, default_value = "millstream.toml")]
    pub config: PathBuf,
}

pub(super) fn run(command: DlqCommand) -> anyhow::Result<()> {
    let done = match command {
        DlqCommand::List {
            choice,
            summary,
            json,
        } => list::list(&choice, summary, json),
        DlqCommand::Show(show) => show.run(),
        DlqCommand::Replay(arguments) => return replay::replay(&arguments),
    };
    // A closed pipe (`| head`) is not an error.
    let enough = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    match done {
        Err(error) if error.downcast_ref().is_some_and(enough) => Ok(()),
        done => done,
    }
}
