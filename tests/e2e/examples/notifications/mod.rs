//! `examples/notifications`: its app, its configuration, its pages.

mod app;
mod faults;
mod pages;
mod rig;

use std::time::Duration;

/// A limit for failing tests, not an expectation of speed.
const SOON: Duration = Duration::from_secs(60);
