//! Tests of the harness that the other tests rely on.

mod browser;
mod kafka;
mod link;
mod processes;
mod redis;

use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);
