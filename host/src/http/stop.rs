//! Waits for the stop signal.

use tokio::sync::watch;

/// Returns when the daemon stops, or when the sender of the signal is gone.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
