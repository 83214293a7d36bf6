//! A worker's signs of progress.

use crate::process::Pulse;
use std::time::Duration;

/// How long one turn may take before readiness says so: a call of Redis or of a
/// plugin is cut off long before.
const LONGEST: Duration = Duration::from_secs(30);

/// The turns of a worker's two threads.
#[derive(Default)]
pub(super) struct Turns {
    /// Of the thread that runs plugins.
    pub transform: Pulse,
    /// Of the thread that stores.
    pub commit: Pulse,
}

impl Turns {
    /// What it is stuck in, for people; `index` is the worker's.
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
