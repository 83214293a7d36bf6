//! Runs the wheel: comments and deadlines, one slot a tick.

use super::frame;
use super::hub::Hub;
use super::limits::TICK;
use crate::clock;
use crate::process::memory;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::{MissedTickBehavior, interval};

/// How often memory is given back, if there is a reason.
const TRIM: u32 = 40;
/// So many connections that were opened or closed since are a reason. One that opens needs
/// far more memory than one that is open, and what it frees lies between what is used.
const MANY: usize = 1000;
/// Connections that are visited before other tasks run.
const TURN_OF_OTHERS: usize = 64;

/// Runs until the process ends.
pub(super) async fn run(hub: Arc<Hub>) -> Infallible {
    let comment = frame::comment();
    let every = hub.wheel.turn();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        hub.ticks.beat();
        let now = hub.limits.tick();
        if now.0.is_multiple_of(TRIM) && hub.changes.swap(0, Ordering::Relaxed) >= MANY {
            memory::give_back();
        }
        let unix = clock::unix().as_secs();
        for (count, connection) in hub.wheel.due(now).into_iter().enumerate() {
            if count % TURN_OF_OTHERS == TURN_OF_OTHERS - 1 {
                tokio::task::yield_now().await;
            }
            if connection
                .reader
                .expires
                .is_some_and(|expires| expires <= unix)
            {
                connection.end(hub.retry_ms(1));
            }
            connection.tick(now, every, &comment);
        }
    }
}
