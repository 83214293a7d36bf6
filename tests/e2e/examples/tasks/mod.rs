//! The worker of `examples/tasks`, on a real Kafka.

mod failures;
mod stops;
mod worker;

use std::time::Duration;

/// Not an expectation of speed: what is not there by then never comes.
const SOON: Duration = Duration::from_secs(60);
