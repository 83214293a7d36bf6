//! Records for the playground and for the daemon of this process.

use crate::authoring::Project;
use crate::plugin::fixture;
use crate::record::OwnedRecord;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many of the last records are kept.
const KEPT: usize = 20;

/// The records of the fixtures, and the last ones of the topic.
pub(super) struct Recent {
    project: Project,
    fixtures: Mutex<Vec<OwnedRecord>>,
    live: Mutex<VecDeque<String>>,
}

impl Recent {
    /// Those of the fixtures.
    pub fn new(project: &Project) -> Recent {
        let recent = Recent {
            project: project.clone(),
            fixtures: Mutex::default(),
            live: Mutex::default(),
        };
        recent.read_fixtures();
        recent
    }

    /// Reads the fixtures again; unreadable ones are left out: the test tells.
    pub fn read_fixtures(&self) {
        let kind = self.project.kind;
        let files = fixture::files(&self.project.fixtures()).unwrap_or_default();
        let lines = files
            .iter()
            .filter_map(|file| fixture::records(file, kind).ok());
        *lock(&self.fixtures) = lines.flatten().map(|line| line.case.record).collect();
    }

    /// The record of the fixtures with this number, going round.
    pub fn fixture(&self, number: usize) -> Option<OwnedRecord> {
        let fixtures = lock(&self.fixtures);
        let index = number.checked_rem(fixtures.len())?;
        fixtures.get(index).cloned()
    }

    /// Notes a record of the topic.
    pub fn push(&self, record: &OwnedRecord) {
        let mut live = lock(&self.live);
        if live.len() == KEPT {
            live.pop_front();
        }
        live.push_back(fixture::line(record, None));
    }

    /// The last records of the topic as lines of JSON, the newest last.
    pub fn live(&self) -> Vec<String> {
        lock(&self.live).iter().cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code panics while it holds the lock in the middle of a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
