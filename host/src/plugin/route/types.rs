//! What a route needs to know and what it decides: plain data.

use crate::record::SharedHeaders;
use bytes::Bytes;

/// Whether an event goes to the stream of its client or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamDelivery {
    /// Never.
    No,
    /// As the pipeline's `deliver` says.
    AsConfigured,
    /// Always.
    Always,
    /// Only while the client is connected; a group's event always.
    WhileConnected,
}

/// A Kafka topic that an event goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToTopic {
    /// Its name.
    pub topic: String,
    /// The key of the record.
    pub key: Option<Bytes>,
    /// The headers of the record.
    pub headers: SharedHeaders,
    /// The value, if it is not the event's payload as it is.
    pub encoded: Option<Vec<u8>>,
}

/// Where one event goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The delivery to the stream.
    pub stream: StreamDelivery,
    /// The Kafka topic, if any. Most events have none, and decisions are moved in masses.
    pub topic: Option<Box<ToTopic>>,
}

/// What a route asks for beside the event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// Whether the client is connected.
    pub connected: bool,
    pub(super) payload: bool,
    pub(super) record: bool,
}
