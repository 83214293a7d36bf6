//! Millstream needs no client library: independent readers read the same streams with any content,
//! and miss nothing after a disconnect. See `tests/clients`.

mod all_at_once;
mod disconnects;
mod payloads;

use std::time::Duration;

/// A time-out for things that happen eventually, not an expectation of speed.
const SOON: Duration = Duration::from_secs(60);
