//! What to read, where to begin, and how a consumer is set up for it.

use super::connection;
use super::{Connection, Place};
use crate::ingest::headers;
use crate::record::{OwnedRecord, TopicPartition};
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientConfig, Message};

/// What to read.
pub struct Reading {
    /// The topic.
    pub topic: String,
    /// Where to begin, and as whom.
    pub begin: Begin,
    /// Stop where the topic ends.
    pub to_end: bool,
    /// Also what transactions wrote that were not, or not yet, committed.
    pub uncommitted: bool,
}

/// Where to begin, and as whom.
pub enum Begin {
    /// For oneself: nothing is committed.
    Alone {
        /// These alone; all, if empty.
        partitions: Vec<i32>,
        /// Where, in each.
        at: Place,
    },
    /// With this group: where it has got to.
    Group {
        /// Its name.
        group: String,
        /// In a partition without a commit: at the oldest record, not after
        /// the newest.
        earliest: bool,
    },
}

/// A consumer's properties.
pub(super) fn config(connection: &Connection, reading: &Reading) -> ClientConfig {
    let settings = &connection.settings;
    let mut config = connection::config(settings);
    let (group, reset) = match &reading.begin {
        // librdkafka wants a name, though nothing is asked of the group.
        Begin::Alone { .. } => ("millstream-consume", "error"),
        Begin::Group { group, earliest } => {
            let reset = if *earliest { "earliest" } else { "latest" };
            (group.as_str(), reset)
        }
    };
    let isolation = match reading.uncommitted {
        true => "read_uncommitted",
        false => "read_committed",
    };
    let grouped = matches!(reading.begin, Begin::Group { .. });
    config
        .set("group.id", group)
        .set("auto.offset.reset", reset)
        .set("isolation.level", isolation)
        .set("enable.partition.eof", "true")
        .set("allow.auto.create.topics", "false")
        // Commits what was shown, once a second and when partitions go to
        // others; what was not is never stored.
        .set("enable.auto.commit", grouped.to_string())
        .set("enable.auto.offset.store", "false")
        .set("auto.commit.interval.ms", "1000");
    let mut or = |name: &str, value: &str| {
        if !settings.properties.contains_key(name) {
            config.set(name, value);
        }
    };
    // Measured: the default of 1 s stalls a fast reader to a third.
    or("fetch.queue.backoff.ms", "2");
    // A killed one is not waited for as long as the default of 45 s. With the
    // protocol `consumer` the broker says how long, and the property is refused.
    if !settings.properties.contains_key("group.protocol") {
        or("session.timeout.ms", "10000");
    }
    config
}

/// A record with its own bytes.
pub(super) fn record(message: &BorrowedMessage<'_>) -> OwnedRecord {
    let own = |(name, value): (&[u8], Option<&[u8]>)| (name.to_vec(), value.map(<[u8]>::to_vec));
    OwnedRecord {
        origin: TopicPartition {
            topic: message.topic().into(),
            partition: message.partition(),
        },
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().unwrap_or(-1),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers::of(message).map(own).collect(),
    }
}
