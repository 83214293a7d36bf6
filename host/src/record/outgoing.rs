//! Records to write to Kafka.

use bytes::Bytes;

/// Header names and values, in order; names may repeat. Names are UTF-8 by
/// convention, but a producer may write anything.
pub type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Headers that several outputs may share without copying their bytes.
pub type SharedHeaders = Vec<(Bytes, Option<Bytes>)>;

/// Copies shared headers, for writing.
pub fn copied(headers: &SharedHeaders) -> Headers {
    let value = |value: &Option<Bytes>| value.as_ref().map(|value| value.to_vec());
    { headers.iter() }
        .map(|(name, bytes)| (name.to_vec(), value(bytes)))
        .collect()
}

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
