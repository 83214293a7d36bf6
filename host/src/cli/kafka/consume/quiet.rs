//! The message on a terminal while no records arrive.

use super::arguments::ConsumeArguments;
use crate::cli::output;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// How long no record must have arrived before the message.
const AFTER: Duration = Duration::from_secs(1);

/// Prints once what the command waits for.
pub(super) struct Quiet {
    /// `None` after it was printed, and where standard error is not a terminal.
    what: Option<String>,
    since: Instant,
    printed: u64,
}

impl Quiet {
    pub fn of(arguments: &ConsumeArguments) -> Quiet {
        let is_read = io::stderr().is_terminal() && !arguments.exit;
        Quiet {
            what: is_read.then(|| what(arguments)),
            since: Instant::now(),
            printed: 0,
        }
    }

    /// Call it when no record is available; `printed` counts the records so far.
    pub fn say(&mut self, printed: u64) {
        if printed != self.printed {
            (self.since, self.printed) = (Instant::now(), printed);
        }
        if self.since.elapsed() >= AFTER
            && let Some(what) = self.what.take()
        {
            output::say(format_args!("millstream: {what}"));
        }
    }
}

fn what(arguments: &ConsumeArguments) -> String {
    let topic = &arguments.topic;
    let from_the_end = !arguments.from_beginning
        && arguments.group.is_none()
        && arguments.offset.is_none()
        && arguments.since.is_none();
    let older = match from_the_end {
        true => "; --from-beginning reads existing records",
        false => "",
    };
    format!("waiting for new records in {topic} (Ctrl-C to stop){older}")
}
