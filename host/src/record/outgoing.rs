//! What goes out to Kafka.

/// Header names and values, in order; names may repeat. Names are UTF-8 by
/// convention, and whatever a producer wrote.
pub type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A record to write to Kafka: a dead letter, or an event routed to a topic.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The topic it goes to.
    pub topic: String,
    /// Bytes, or absent.
    pub key: Option<Vec<u8>>,
    /// Bytes, or absent.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Headers,
}
