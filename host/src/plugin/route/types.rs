//! What a route asks for, and what it decides: plain data.

use crate::record::SharedHeaders;
use bytes::Bytes;

/// Whether an event goes to the stream of its client or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamDelivery {
    /// No.
    No,
    /// As the pipeline's `deliver` says.
    AsConfigured,
    /// Always.
    Always,
    /// Only while the client is connected; a group's always.
    WhileConnected,
}

/// A Kafka topic that an event goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToTopic {
    /// Its name.
    pub topic: String,
    /// The key there.
    pub key: Option<Bytes>,
    /// The headers there.
    pub headers: SharedHeaders,
}

/// Where one event goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The stream.
    pub stream: StreamDelivery,
    /// A topic.
    pub topic: Option<ToTopic>,
}

/// What a route asked to be told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// Whether clients are connected.
    pub connected: bool,
    pub(super) payload: bool,
    pub(super) record: bool,
}
