//! An open connection and the count of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts one open connection; released on drop.
pub(super) struct OpenConnection {
    open: Arc<AtomicUsize>,
    pub number: usize,
}

impl OpenConnection {
    pub fn take(open: &Arc<AtomicUsize>) -> OpenConnection {
        let number = open.fetch_add(1, Ordering::Relaxed) + 1;
        let open = open.clone();
        OpenConnection { open, number }
    }
}

impl OpenConnection {
    /// Whether this connection is over `most` now.
    pub fn is_beyond(&self, most: usize) -> bool {
        self.number > most && self.open.load(Ordering::Relaxed) > most
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}
