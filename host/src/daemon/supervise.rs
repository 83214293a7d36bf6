//! Tells systemd how the daemon is: that it has started, what it waits for, that it lives.
//!
//! Promises: the watchdog is fed as long as every loop turns, whatever it waits for. If Kafka
//! or Redis stops, systemd does not restart the daemon; if a thread hangs, it does. No part of the
//! daemon waits for systemd.

use super::readiness::{Readiness, lock};
use crate::pipeline::Pipeline;
use crate::process;
use crate::sse::Hub;
use sd_notify::{NotifyState, notify, watchdog_enabled};
use std::convert::Infallible;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How long a loop may give no sign of life. Each wakes up at least once a second.
const SILENT: Duration = Duration::from_secs(60);
/// How often the status is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// The longest status, in bytes.
const STATUS: usize = 500;
/// How much may wait for systemd. What does not fit is not told.
const WAITING: usize = 16;

/// What systemd is told.
enum Told {
    Ready,
    Status(String),
    Alive,
    Stopping,
}

/// To the thread that tells systemd; `None` if systemd did not start the program.
static SYSTEMD: LazyLock<Option<SyncSender<Told>>> = LazyLock::new(|| {
    std::env::var_os("NOTIFY_SOCKET")?;
    let (sender, told) = sync_channel(WAITING);
    let thread = process::thread("systemd".into(), || true, move || pass_on(&told));
    thread.is_ok().then_some(sender)
});

/// Waits for systemd where its socket is full, so that nobody else does.
fn pass_on(told: &Receiver<Told>) {
    while let Ok(told) = told.recv() {
        let state = match &told {
            Told::Ready => NotifyState::Ready,
            Told::Status(status) => NotifyState::Status(status),
            Told::Alive => NotifyState::Watchdog,
            Told::Stopping => NotifyState::Stopping,
        };
        if let Err(error) = notify(&[state]) {
            tracing::debug!(%error, "can't tell systemd");
        }
    }
}

/// Returns whether it will be told.
fn tell(told: Told) -> bool {
    let systemd = SYSTEMD.as_ref();
    systemd.is_some_and(|systemd| systemd.try_send(told).is_ok())
}

/// Says that the daemon stops.
pub(super) fn stopping() {
    tell(Told::Stopping);
}

/// Says that the daemon has started; from then on tells its status, and feeds the watchdog.
pub(super) async fn supervise(readiness: Arc<Readiness>, hub: Option<Arc<Hub>>) -> Infallible {
    tell(Told::Ready);
    let watchdog = watchdog_enabled().filter(|limit| !limit.is_zero());
    let every = watchdog.map_or(LOOK, |limit| LOOK.min(limit / 3));
    let mut every = tokio::time::interval(every);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = String::new();
    // After a freeze of the whole program, this loop may turn before the others do.
    let mut looks = 0_u32;
    loop {
        every.tick().await;
        let status = status(&readiness, hub.as_deref());
        if status != told && tell(Told::Status(status.clone())) {
            told = status;
        }
        if watchdog.is_none() {
            continue;
        }
        match silent(&readiness, hub.as_deref()) {
            None => {
                looks = 0;
                tell(Told::Alive);
            }
            Some(why) => {
                looks = looks.saturating_add(1);
                if looks == 2 {
                    tracing::error!(
                        why,
                        "a thread hangs: leaving the restart to systemd's watchdog"
                    );
                }
            }
        }
    }
}

fn status(readiness: &Readiness, hub: Option<&Hub>) -> String {
    let reasons = readiness.condition(None, hub).reasons;
    let mut status = match reasons.is_empty() {
        true => "running".into(),
        false => format!("waiting: {}", reasons.join("; ")),
    };
    status.truncate(status.floor_char_boundary(STATUS));
    status.replace(|c: char| c.is_control(), " ")
}

fn silent(readiness: &Readiness, hub: Option<&Hub>) -> Option<String> {
    let of_hub = hub.and_then(|hub| hub.silent(SILENT));
    of_hub.or_else(|| {
        let pipelines = lock(&readiness.pipelines);
        let mut pipelines = pipelines.as_deref().unwrap_or_default().iter();
        pipelines.find_map(|pipeline: &Pipeline| pipeline.silent(SILENT))
    })
}
