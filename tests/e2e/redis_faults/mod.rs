//! Faults of the whole daemon while it stores: a Redis that loses answers or its last writes,
//! refuses, is slow, silent or away; a clock that jumps, exhausted descriptors, an unusable cache.
//! In each case each record's event is in its client's stream once and in order, no record becomes
//! a dead letter because of it, and `/readyz` says what the daemon waits for.
//!
//! `MILLSTREAM_OUTAGE` sets for how many seconds Redis is away in the test of the daemon's memory.

mod away;
mod cache;
mod clock;
mod descriptors;
mod half_open;
mod load;
mod lost_answers;
mod memory;
mod permissions;
mod refused;
mod restored;
mod slow;
mod unheard;

use millstream_tests::{Daemon, get, wait_until};
use std::time::Duration;

/// A time-out for things that happen eventually, not an expectation of speed.
const LONG: Duration = Duration::from_secs(300);

/// Redis keeps everything that it has acknowledged, also after a crash.
const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

/// Waits until the daemon runs and is not ready, for a reason with this text.
fn wait_not_ready(daemon: &Daemon, reason: &str) {
    let admin = daemon.admin();
    let what = format!("it is not ready: {reason}");
    let said = wait_until(&what, LONG, || {
        assert_eq!(get(&admin, "/healthz").status, 200, "the daemon runs");
        let answer = get(&admin, "/readyz");
        let text = answer.text();
        (answer.status == 503 && text.contains(reason)).then_some(text)
    });
    println!("{said}");
}
