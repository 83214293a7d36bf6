//! Waiting until it is time to stop.

use tokio::sync::watch;

/// Returns when it is time to stop, or nobody is left to say so.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
