//! `millstream run`.

use super::supervise::stopping;
use super::{Daemon, Extras};
use crate::config::{Role, Settings};
use crate::process;
use std::path::PathBuf;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Runs until SIGTERM or SIGINT, then drains. A second one stops at once.
pub(crate) fn run(settings: Settings, config: PathBuf, role: Role) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let starting = Daemon::start(settings, role, Some(config), Extras::default());
        let daemon = tokio::select! {
            started = starting => started?,
            () = signals.stop() => return Ok(()),
        };
        tracing::info!("running");
        daemon.supervise();
        while signals.reload_before_stop().await {
            daemon.reload();
        }
        drain(daemon, signals).await;
        Ok(())
    });
    // Does not wait for a start that was interrupted.
    runtime.shutdown_background();
    ended
}

/// Stops. A second signal stops at once.
pub(crate) async fn drain(daemon: Daemon, mut signals: Signals) {
    tracing::info!("stopping: finishing batches in progress");
    stopping();
    tokio::select! {
        () = daemon.stop() => tracing::info!("stopped"),
        () = signals.stop() => {
            tracing::warn!("received a second stop signal: stopping at once");
            // The next start continues from the ledger.
            process::end(1);
        }
    }
}

/// The signals that a daemon listens to.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    pub fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    pub async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// True on a signal to reload, false on a signal to stop.
    pub async fn reload_before_stop(&mut self) -> bool {
        tokio::select! {
            _ = self.hangup.recv() => true,
            _ = self.terminate.recv() => false,
            _ = self.interrupt.recv() => false,
        }
    }
}
