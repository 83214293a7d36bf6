//! `examples/tasks`: its worker, its configuration, its page.

mod crowd;
mod failures;
mod page;
mod rig;
mod stops;
mod worker;

use std::time::Duration;

/// Not an expectation of speed: what is not there by then never comes.
const SOON: Duration = Duration::from_secs(60);
