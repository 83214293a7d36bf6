//! `capture letters`.

use super::sink::SinkArguments;
use crate::cli::dlq::{Choice, Letters};
use crate::cli::output::{self, count};
use crate::pipeline::replay::Letter;
use crate::plugin::fixture::FailureLine;
use clap::Args;

#[derive(Args)]
pub(in crate::cli) struct LettersArguments {
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    sink: SinkArguments,
}

pub(super) fn run(arguments: &LettersArguments) -> anyhow::Result<()> {
    let (settings, pipelines) = arguments.choice.read()?;
    let mut letters = Letters::open(&settings, &pipelines, &arguments.choice)?;
    let mut sink = arguments
        .sink
        .open(Some(&arguments.choice.configured.config))?;
    letters.listen()?;
    let mut incomplete = 0;
    while !sink.is_full()
        && let Some(letter) = letters.next_whole()?
    {
        if letter.own_value || letter.absent().is_some() {
            incomplete += 1;
            continue;
        }
        sink.take_failed(letter.source_record(), failure_of(&letter))?;
    }
    if incomplete > 0 {
        output::say(format_args!(
            "left out {}: their records are gone, or the policy wrote another value",
            count(incomplete, "letter")
        ));
    }
    sink.finish()
}

/// The failure as a policy was given it.
pub(in crate::cli) fn failure_of(letter: &Letter) -> FailureLine {
    FailureLine {
        class: letter.class.clone(),
        message: letter.message.clone(),
        stage: letter.stage.clone(),
        attempts: letter.attempts,
    }
}
