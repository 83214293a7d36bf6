//! A single record that owns its bytes, as the command-line tools read it.

use super::{Headers, TopicPartition};

/// A record that was read from Kafka; it owns its bytes.
#[derive(Clone, Debug)]
pub struct OwnedRecord {
    /// Its topic and partition.
    pub origin: TopicPartition,
    /// Its offset in the partition.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC, -1 where Kafka has none.
    pub timestamp: i64,
    /// Bytes, or absent.
    pub key: Option<Vec<u8>>,
    /// Bytes, or absent (a tombstone).
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Headers,
}
