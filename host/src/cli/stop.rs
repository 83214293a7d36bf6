//! Ctrl-C and SIGTERM: the first asks to finish, the second does not.

use super::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{SignalKind, signal};

/// Set when SIGINT or SIGTERM comes; a second one ends the process at once.
///
/// # Errors
/// When the signals can't be listened for.
pub(super) fn flag() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    listen(flag.clone())?;
    Ok(flag)
}

/// From now on the signals set this flag; until now they end the process.
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

/// Whether someone asked to stop.
#[derive(Clone)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens from now on, as [`flag`] does.
    pub fn listen() -> anyhow::Result<Stop> {
        Ok(Stop(flag()?))
    }

    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
