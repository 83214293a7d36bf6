//! Times in the stores' unit: milliseconds since 1970.

use crate::clock;
use std::time::Duration;

pub(super) fn now_millis() -> u64 {
    millis(clock::unix())
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
