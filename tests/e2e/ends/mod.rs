//! A daemon that can't work ends and says why, so that whoever supervises it starts it again; and
//! one that can work does, whatever becomes of its log.

mod fenced;
mod panics;
mod roles;
mod unlogged;

use std::time::Duration;

/// Not an expectation of speed: what is not there by then never comes.
const LONG: Duration = Duration::from_secs(120);
