//! Streams to browsers, through the real daemon: where they begin, what they
//! carry, what hostile questions get, and what is left after everything that
//! can break has broken.

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

/// Not an expectation of speed: what is not there by then never comes.
const SOON: Duration = Duration::from_secs(60);
