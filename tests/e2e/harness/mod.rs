//! The harness itself: what the other tests stand on must hold.

mod browser;
mod kafka;
mod link;
mod processes;
mod redis;

use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);
