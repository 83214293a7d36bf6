//! A client library for Millstream is not needed: readers of other people's making read the same
//! streams, whatever is in them, and miss nothing when they are cut off. See `tests/clients`.

mod all_at_once;
mod disconnects;
mod payloads;

use std::time::Duration;

/// Not an expectation of speed: what is not there by then never comes.
const SOON: Duration = Duration::from_secs(60);
