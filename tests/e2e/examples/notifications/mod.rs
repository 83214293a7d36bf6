//! `examples/notifications`: its app, its configuration, its pages.

mod app;
mod faults;
mod pages;
mod rig;

use std::time::Duration;

/// Not an expectation of speed: what is not there by then never comes.
const SOON: Duration = Duration::from_secs(60);
