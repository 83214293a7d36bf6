//! What the gateway goes by.

use crate::store::Rate;
use std::sync::Arc;
use std::time::Duration;

/// What the gateway goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskSettings {
    /// The Kafka topic that workers read.
    pub request_topic: String,
    /// How long a task may go without news before it has timed out.
    pub timeout: Duration,
    /// How long it is known after the last news.
    pub keep: Duration,
    /// How long Kafka may take to acknowledge a task.
    pub acknowledge_within: Duration,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// How often one client may ask; none: as often as it likes.
    pub rate: Option<Rate>,
    /// The statuses that end a task.
    pub ends: Arc<[String]>,
    /// The type of the event that tells of a time-out.
    pub event_kind: String,
}
