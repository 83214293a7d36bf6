//! Tells systemd how the daemon is: that it has started, what it waits for, that it lives.
//!
//! Promise: the watchdog is fed as long as every loop turns, whatever it waits for. A stopped Kafka
//! or Redis is no reason for a restart; a thread that hangs is.

use super::readiness::{Readiness, lock};
use crate::pipeline::Pipeline;
use crate::sse::Hub;
use sd_notify::{NotifyState, notify, watchdog_enabled};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// How long a loop may give no sign of life. Each wakes up at least once a second; a call of a plugin
/// may take long, but its CPU time is limited.
const SILENT: Duration = Duration::from_secs(60);
/// How often the status is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// The longest status, in bytes.
const STATUS: usize = 500;

/// Says that the daemon stops.
pub(super) fn stopping() {
    say(&[NotifyState::Stopping]);
}

/// Says that the daemon has started; from then on tells its status, and feeds the watchdog.
pub(super) async fn supervise(readiness: Arc<Readiness>, hub: Option<Arc<Hub>>) -> Infallible {
    say(&[NotifyState::Ready]);
    let watchdog = watchdog_enabled();
    let every = watchdog.map_or(LOOK, |limit| LOOK.min(limit / 3));
    let mut every = tokio::time::interval(every);
    let (mut told, mut hangs) = (String::new(), false);
    loop {
        every.tick().await;
        let status = status(&readiness, hub.as_deref());
        if status != told {
            say(&[NotifyState::Status(&status)]);
            told = status;
        }
        let silent = silent(&readiness, hub.as_deref());
        match silent {
            None if watchdog.is_some() => say(&[NotifyState::Watchdog]),
            Some(why) if watchdog.is_some() && !hangs => {
                tracing::error!(
                    why,
                    "a thread hangs: leaving the restart to systemd's watchdog"
                );
                hangs = true;
                continue;
            }
            _ => {}
        }
    }
}

/// Without systemd there is nobody to tell.
fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = notify(states) {
        tracing::debug!(%error, "can't tell systemd");
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
