//! One record by itself, with its own bytes: as tools read them.

use super::{Headers, TopicPartition};

/// A record that was read from Kafka, owned.
#[derive(Clone, Debug)]
pub struct OwnedRecord {
    /// Where it lies.
    pub origin: TopicPartition,
    /// Its offset there.
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
