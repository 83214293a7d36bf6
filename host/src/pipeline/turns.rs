//! Detects a worker that makes no progress.

use crate::process::Pulse;
use std::time::Duration;

/// How long one turn may take before it is a reason in readiness. Calls of Redis and
/// of plugins time out long before.
const LONGEST: Duration = Duration::from_secs(30);

/// The progress of a worker's two threads.
#[derive(Default)]
pub(super) struct Turns {
    /// The thread that runs plugins.
    pub transform: Pulse,
    /// The thread that writes to the store.
    pub commit: Pulse,
}

impl Turns {
    /// Which thread gave no sign of life for so long, although both wake up all the time.
    pub fn silent(&self, index: usize, most: Duration) -> Option<String> {
        let silent = |(pulse, what): (&Pulse, &str)| {
            let seconds = pulse.silent_for(most)?.as_secs();
            Some(format!(
                "the {what} thread of worker {index} has not turned for {seconds} s"
            ))
        };
        let threads = [(&self.transform, "transform"), (&self.commit, "commit")];
        threads.into_iter().find_map(silent)
    }

    /// What the worker is stuck in, as a reason; `index` is the worker's.
    pub fn stuck(&self, index: usize) -> Option<String> {
        let stuck = |(pulse, what): (&Pulse, &str)| {
            let seconds = pulse.stuck_for(LONGEST)?.as_secs();
            Some(format!("worker {index} has been {what} for {seconds} s"))
        };
        let threads = [
            (&self.transform, "processing one batch"),
            (&self.commit, "storing one batch"),
        ];
        threads.into_iter().find_map(stuck)
    }
}
