//! Streams to browsers, through the real daemon: where they start, what they carry, how hostile
//! requests are answered, and what remains after every possible failure.

mod browser;
mod drain;
mod fuzz;
mod gaps;
mod hostile;
mod interest;
mod many_connections;
mod opening;
mod outage;
pub(crate) mod payload;
mod resume;
pub(crate) mod rig;
mod slow;

use std::time::Duration;

/// A time-out for things that happen eventually, not an expectation of speed.
const SOON: Duration = Duration::from_secs(60);
