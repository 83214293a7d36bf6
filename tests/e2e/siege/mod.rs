//! Attacks on the edge: malicious connections, and crowds of harmless ones. An ordinary reader gets
//! its events meanwhile.

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

/// A time-out for things that happen eventually, not an expectation of speed.
const SOON: Duration = Duration::from_secs(60);

/// How much a daemon may grow, whatever it receives.
const GROWTH: u64 = 32 << 20;

/// A daemon with short time-outs, to keep the tests short.
fn impatient() -> Rig<'static> {
    Rig::with(Options {
        http: "header-timeout = \"1s\"\nwrite-timeout = \"1s\"",
        ..Options::default()
    })
}
