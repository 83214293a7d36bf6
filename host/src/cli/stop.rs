//! Ctrl-C and SIGTERM: the first asks the command to finish, the second ends it.

use super::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{SignalKind, signal};

/// A flag that SIGINT or SIGTERM sets; a second signal ends the process at once.
///
/// # Errors
/// When the signals can't be listened for.
pub(super) fn flag() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    listen(flag.clone())?;
    Ok(flag)
}

/// Makes SIGINT and SIGTERM set this flag. Before this call they end the process.
///
/// # Errors
/// When the signals can't be listened for.
pub(super) fn listen(set: Arc<AtomicBool>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_io().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        )
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                    if set.swap(true, Ordering::Relaxed) {
                        exit::end(1);
                    }
                }
            });
        })?;
    Ok(())
}

/// Whether a signal asked the command to stop.
#[derive(Clone)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens for signals, as [`flag`] does.
    pub fn listen() -> anyhow::Result<Stop> {
        Ok(Stop(flag()?))
    }

    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
