//! `examples/tasks`: its worker, its configuration, its page.

mod crowd;
mod failures;
mod page;
mod rig;
mod stops;
mod worker;

use std::time::Duration;

/// A limit for failing tests, not an expectation of speed.
const SOON: Duration = Duration::from_secs(60);
