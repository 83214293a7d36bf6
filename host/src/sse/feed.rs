//! A stream that someone here follows.

use super::connection::Connection;
use crate::record::StreamName;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A stream that someone here follows, and who does.
pub(super) struct Feed {
    pub name: StreamName,
    /// It waits to be read.
    dirty: AtomicBool,
    /// Questions about it that are not answered, one for each place.
    asked: AtomicUsize,
    followers: Mutex<Vec<Follower>>,
}

/// A connection, and which of its streams this one is.
#[derive(Clone)]
pub(super) struct Follower {
    pub connection: Arc<Connection>,
    pub follow: u16,
}

impl Feed {
    pub fn new(name: StreamName) -> Feed {
        Feed {
            name,
            dirty: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
            followers: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Follower>> {
        self.followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks it to be read; whether it was not before.
    pub fn mark(&self) -> bool {
        !self.dirty.swap(true, Ordering::AcqRel)
    }

    /// It is being read: what comes from now on marks it again.
    pub fn unmark(&self) {
        self.dirty.store(false, Ordering::Release);
    }

    /// It is asked of the store.
    pub fn ask(&self) {
        self.asked.fetch_add(1, Ordering::AcqRel);
    }

    /// What was asked is answered, and handed over.
    pub fn answer(&self) {
        self.asked.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether an answer is under way: what it brings moves its followers.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire) > 0
    }

    pub fn add(&self, follower: Follower) {
        self.lock().push(follower);
    }

    /// Takes one away; whether nobody is left.
    pub fn remove(&self, connection: &Arc<Connection>) -> bool {
        let mut followers = self.lock();
        let other = |follower: &Follower| Arc::ptr_eq(&follower.connection, connection);
        if let Some(index) = followers.iter().position(other) {
            followers.swap_remove(index);
        }
        followers.is_empty()
    }

    pub fn followers(&self) -> Vec<Follower> {
        self.lock().clone()
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }
}
