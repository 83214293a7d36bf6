//! What a batch became in a transform.

use super::search::End;
use crate::record::{Events, Failure};

/// What a batch became: for each record events, a failure, or neither.
#[derive(Debug, Default)]
pub struct Made {
    /// The events, in the order of their records.
    pub events: Events,
    /// The failures, likewise.
    pub failures: Vec<Failure>,
    /// The index after the last record that is decided.
    pub end: usize,
    /// Why that may be short of all of them.
    pub ended: End,
}
