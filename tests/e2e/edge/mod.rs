//! `run --role edge`: what needs nothing but a Redis and a reader. Events are
//! written as any program may write them.

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

/// Not an expectation of speed: what is not there by then never comes.
const SOON: Duration = Duration::from_secs(60);
