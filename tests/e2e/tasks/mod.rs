//! The task gateway: tasks in over HTTP, out to Kafka, and what workers say of
//! them to who asked.

mod away;
mod crashes;
mod crowded;
mod hung_up;
mod late;
mod over_tls;
mod refused;
mod repeated;
mod results;
mod rig;
mod taken;
mod who;

use std::time::Duration;

/// Not an expectation of speed: what is not there by then never comes.
const SOON: Duration = Duration::from_secs(60);
