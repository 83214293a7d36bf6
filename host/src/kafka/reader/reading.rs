//! What to read and from where, and the consumer's properties for it.

use crate::kafka::KafkaSettings;
use crate::kafka::OffsetSpec;
use crate::kafka::connection;
use crate::kafka::native::headers;
use crate::record::{OwnedRecord, TopicPartition};
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientConfig, Message};

/// What to read.
pub struct Reading {
    /// The topic.
    pub topic: String,
    /// Where to start, and whether with a group.
    pub begin: Begin,
    /// Stop at the end of the topic.
    pub to_end: bool,
    /// Also read records of transactions that were not, or not yet, committed.
    pub uncommitted: bool,
}

/// Where to start, and whether with a group.
pub enum Begin {
    /// Without a group: nothing is committed.
    Alone {
        /// Only these; all, if empty.
        partitions: Vec<i32>,
        /// Where to start in each.
        at: OffsetSpec,
    },
    /// With this group, from its committed offsets.
    Group {
        /// Its name.
        group: String,
        /// In a partition without a commit, start at the oldest record instead of
        /// after the newest.
        earliest: bool,
    },
}

/// A consumer's properties.
pub(in crate::kafka) fn config(settings: &KafkaSettings, reading: &Reading) -> ClientConfig {
    let mut config = connection::config(settings);
    let (group, reset) = match &reading.begin {
        // librdkafka requires a name, though the group is not used.
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
        // Commits the offsets of shown records periodically and when partitions
        // are revoked; the offsets of others are never stored.
        .set("enable.auto.commit", grouped.to_string())
        .set("enable.auto.offset.store", "false");
    let mut or = |name: &str, value: &str| settings.or(&mut config, name, value);
    or("auto.commit.interval.ms", "1000");
    // Measured: the default of 1 s slows a fast reader to a third.
    or("fetch.queue.backoff.ms", "2");
    // The group should not wait the default of 45 s for a killed member. With the
    // protocol `consumer` the broker sets the time-out, and the property is
    // rejected.
    if !settings.gives("group.protocol") {
        or("session.timeout.ms", "10000");
    }
    config
}

/// Copies a message to a record that owns its bytes.
pub(in crate::kafka) fn record(message: &BorrowedMessage<'_>) -> OwnedRecord {
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
        headers: headers::of_message(message).map(own).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::Membership;
    use std::collections::BTreeMap;

    #[test]
    fn properties_set_the_commit_interval() {
        let interval = |properties: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
            let settings = KafkaSettings {
                bootstrap_servers: "kafka:9092".into(),
                properties: properties.iter().map(own).collect::<BTreeMap<_, _>>(),
                membership: Membership::Dynamic,
            };
            let reading = Reading {
                topic: "orders".into(),
                begin: Begin::Group {
                    group: "readers".into(),
                    earliest: false,
                },
                to_end: false,
                uncommitted: false,
            };
            let config = config(&settings, &reading);
            config.get("auto.commit.interval.ms").map(str::to_owned)
        };
        assert_eq!(interval(&[]).as_deref(), Some("1000"));
        let given = interval(&[("auto.commit.interval.ms", "50")]);
        assert_eq!(given.as_deref(), Some("50"));
    }
}
