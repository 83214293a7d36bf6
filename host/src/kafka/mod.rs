//! Kafka at hand: topics, records and groups for people at a command line.
//!
//! Promises: a clear answer or a clear error within seconds; what was not
//! acknowledged is never called sent, and what was not shown is never
//! committed. Answers are plain data: whoever asks prints them. Beside
//! `ingest`, whose calls it shares, it alone names rdkafka. It deliberately
//! knows nothing of pipelines, plugins or stores.

mod call;
mod configs;
mod connection;
mod consume;
mod failure;
mod groups;
mod offsets;
mod produce;
mod reset;
pub mod scan;
mod topics;

pub use configs::{Config, ConfigChange};
pub use connection::Connection;
pub use consume::{Begin, Reader, Reading, Step};
pub use failure::Failure;
pub use groups::{Group, Listed, Member, Standing};
pub use offsets::{Ends, Place};
pub use produce::{Receipt, Sender, Sending};
pub use reset::{Move, Wanted};
pub use topics::{NewTopic, Partition, Topic};

use crate::record::Headers;

/// A record as Kafka gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The topic it is in.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC; `None` where Kafka has none.
    pub timestamp: Option<i64>,
    /// Bytes, or absent.
    pub key: Option<Vec<u8>>,
    /// Bytes, or absent (a tombstone).
    pub value: Option<Vec<u8>>,
    /// In order; names may repeat.
    pub headers: Headers,
}
