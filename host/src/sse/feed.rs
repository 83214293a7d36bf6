//! A stream that connections of this edge follow.

use super::connection::Connection;
use crate::record::StreamName;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A stream and the connections of this edge that follow it.
pub(super) struct Feed {
    pub name: StreamName,
    /// It waits to be read.
    dirty: AtomicBool,
    /// The number of unanswered questions about it, one for each place.
    asked: AtomicUsize,
    followers: Mutex<Vec<Follower>>,
}

/// A connection, and the index of this stream among those that it follows.
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

    /// Marks the feed to be read. Returns whether it was unmarked before.
    pub fn mark(&self) -> bool {
        !self.dirty.swap(true, Ordering::AcqRel)
    }

    /// The feed is being read: news from now on marks it again.
    pub fn unmark(&self) {
        self.dirty.store(false, Ordering::Release);
    }

    /// A question was sent to the store.
    pub fn ask(&self) {
        self.asked.fetch_add(1, Ordering::AcqRel);
    }

    /// A question was answered, and the answer handed over.
    pub fn answer(&self) {
        self.asked.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether an answer is outstanding: it will move the followers.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire) > 0
    }

    pub fn add(&self, follower: Follower) {
        self.lock().push(follower);
    }

    /// Removes a follower. Returns whether none is left.
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
