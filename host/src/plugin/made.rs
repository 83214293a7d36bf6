//! The result of a batch in a transform.

use super::search::End;
use crate::record::{Events, Failure, StateValue, StateWrite};
use bytes::Bytes;
use std::collections::HashMap;

/// The result of a batch: for each record events, a failure, or neither.
#[derive(Debug, Default)]
pub struct Made {
    /// The events, in the order of their records.
    pub events: Events,
    /// The failures, in the order of their records.
    pub failures: Vec<Failure>,
    /// What a stateful transform wrote, in the order of its records. A record that
    /// failed has written nothing.
    pub writes: Vec<StateWrite>,
    /// The values of the written keys before the first record.
    pub before: HashMap<Bytes, Option<StateValue>>,
    /// The index after the last decided record.
    pub end: usize,
    /// Why `end` may be short of the batch.
    pub ended: End,
}

impl Made {
    /// Removes the results of the records from this index on.
    pub fn cut(&mut self, end: usize) {
        let before = |record: u32| (record as usize) < end;
        let kept = self
            .events
            .list
            .partition_point(|event| before(event.record));
        self.events.list.truncate(kept);
        self.failures.retain(|failure| before(failure.record));
        self.writes.retain(|write| before(write.record));
    }
}
