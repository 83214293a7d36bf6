//! The system's clock: the only place that reads it, so that a reader finds every
//! use of wall time.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the module that the lint names"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time now.
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// The time since 1970-01-01 UTC; zero where the clock is before that.
pub fn unix() -> Duration {
    now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
