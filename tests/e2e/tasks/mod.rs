//! The task gateway: tasks in over HTTP, out to Kafka, and what workers say of
//! them to who asked.

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

/// Not an expectation of speed: what is not there by then never comes.
const SOON: Duration = Duration::from_secs(60);
