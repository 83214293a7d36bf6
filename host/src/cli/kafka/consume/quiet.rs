//! What is said on a terminal while nothing comes.

use super::arguments::ConsumeArguments;
use crate::cli::output;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// So long nothing must have come: whoever looks by then wonders whether it hangs.
const AFTER: Duration = Duration::from_secs(1);

/// Says once that it waits, and for what.
pub(super) struct Quiet {
    /// `None` where it is said, or nobody is there to read it.
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

    /// To be called when nothing is at hand, after so many records.
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
