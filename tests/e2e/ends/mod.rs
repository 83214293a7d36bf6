//! A daemon that can't work ends with an error, so that its supervisor restarts it. A daemon whose
//! log can't be written keeps working.

mod fenced;
mod panics;
mod roles;
mod unlogged;

use std::time::Duration;

/// A limit for failing tests, not an expectation of speed.
const LONG: Duration = Duration::from_secs(120);
