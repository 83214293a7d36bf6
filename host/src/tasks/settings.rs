//! The settings of the task gateway.

use crate::store::Rate;
use std::sync::Arc;
use std::time::Duration;

/// The settings of the task gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskSettings {
    /// The Kafka topic that workers read.
    pub request_topic: String,
    /// How long a task may go without an update before it times out.
    pub timeout: Duration,
    /// How long a task is kept after its last update.
    pub keep: Duration,
    /// How long Kafka may take to acknowledge a task.
    pub acknowledge_within: Duration,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// The rate limit of one client; `None` for no limit.
    pub rate: Option<Rate>,
    /// The statuses that end a task.
    pub ends: Arc<[String]>,
    /// The type of the event that reports a timeout.
    pub event_kind: String,
}
