//! `millstream dlq list|show|replay`: dead letters, looked at and replayed.

mod choice;
mod filter;
mod letters;
mod list;
mod originals;
mod replay;
mod report;
mod show;
mod topics;

use super::{bytes, stop, time};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum DlqCommand {
    /// Lists dead letters, and how many there are of each kind.
    List {
        #[command(flatten)]
        choice: choice::Choice,
        /// Only how many there are of each kind.
        #[arg(long, conflicts_with = "json")]
        summary: bool,
        /// A line of JSON a letter.
        #[arg(long)]
        json: bool,
    },
    /// Shows one dead letter whole: its failure, its record, its value.
    Show(show::Show),
    /// Gives the records of dead letters to their pipeline again, each once,
    /// however often this is run.
    ///
    /// Exit code 1 if any failed again or was refused; those stay where they
    /// are, as all letters do.
    Replay(replay::ReplayArguments),
}

/// Whose configuration.
#[derive(Args)]
pub(in crate::cli) struct Configured {
    /// The configuration file.
    #[arg(short, long, default_value = "millstream.toml")]
    config: PathBuf,
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
    // Whoever reads, such as `head`, has had enough.
    let enough = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    match done {
        Err(error) if error.downcast_ref().is_some_and(enough) => Ok(()),
        done => done,
    }
}
