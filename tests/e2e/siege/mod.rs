//! The edge besieged: connections that mean harm, and crowds that don't. An
//! ordinary reader beside them gets its events all the while.

mod bodies;
mod bystander;
mod handshakes;
mod herd;
mod http2_floods;
mod http2_incomplete_requests;
mod http2_streams;
mod incomplete_requests;
mod oversized_heads;
mod stalled;
mod storm;

use crate::sse::rig::{Options, Rig};
use std::time::Duration;

/// Not an expectation of speed: what is not there by then never comes.
const SOON: Duration = Duration::from_secs(60);

/// What a daemon may grow by, whatever is sent to it.
const GROWTH: u64 = 32 << 20;

/// A daemon that does not wait long, so that the tests needn't.
fn impatient() -> Rig<'static> {
    Rig::with(Options {
        http: "header-timeout = \"1s\"\nwrite-timeout = \"1s\"",
        ..Options::default()
    })
}
