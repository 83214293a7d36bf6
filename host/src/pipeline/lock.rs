//! Locks whose holders never panic.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. A panic aborts the process, so no change is ever half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
