//! The result of a batch in a transform.

use super::search::End;
use crate::record::{Events, Failure};

/// The result of a batch: for each record events, a failure, or neither.
#[derive(Debug, Default)]
pub struct Made {
    /// The events, in the order of their records.
    pub events: Events,
    /// The failures, in the order of their records.
    pub failures: Vec<Failure>,
    /// The index after the last decided record.
    pub end: usize,
    /// Why `end` may be short of the batch.
    pub ended: End,
}
