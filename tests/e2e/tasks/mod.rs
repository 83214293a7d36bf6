//! The task gateway: tasks arrive over HTTP and go to Kafka; results go to the task owner.

mod accepted;
mod crashes;
mod crowded;
mod hung_up;
mod outages;
mod over_tls;
mod refused;
mod repeated;
mod results;
mod rig;
mod time_outs;
mod tokens_and_origins;

use std::time::Duration;

/// A time-out for things that happen eventually, not an expectation of speed.
const SOON: Duration = Duration::from_secs(60);
