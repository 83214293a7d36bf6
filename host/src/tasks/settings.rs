//! The settings of the task gateway.

use crate::schema::EncodeBy;
use crate::store::Rate;
use std::sync::Arc;
use std::time::Duration;

/// The settings of the task gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskSettings {
    /// The Kafka topic that workers read.
    pub request_topic: String,
    /// How tasks are encoded; otherwise they are JSON.
    pub encode: Option<EncodeBy>,
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

impl TaskSettings {
    /// A gateway that writes to this topic: everything else is the default.
    pub fn new(request_topic: String) -> TaskSettings {
        TaskSettings {
            request_topic,
            encode: None,
            timeout: Duration::from_secs(300),
            keep: Duration::from_hours(24),
            acknowledge_within: Duration::from_secs(5),
            max_body: 256 << 10,
            rate: None,
            ends: ["completed", "failed"].map(String::from).into(),
            event_kind: "task".into(),
        }
    }
}
