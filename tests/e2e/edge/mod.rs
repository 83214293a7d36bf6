//! `run --role edge`: tests that need only Redis and a reader. They write events as any program may
//! write them.

mod admin;
mod admin_token;
mod channels;
mod groups;
mod issuer;
mod large;
mod limits;
mod methods;
mod names;
mod presence;
mod protocol;
mod refusals;
pub(crate) mod rig;
mod roles;
mod tls;
pub(crate) mod tokens;
mod types;

use std::time::Duration;

/// A limit for failing tests, not an expectation of speed.
const SOON: Duration = Duration::from_secs(60);
