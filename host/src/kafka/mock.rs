//! A Kafka in this process, for the demo: librdkafka's mock cluster. It stores
//! little and checks less, so no delivery test uses it.

use super::{KafkaSettings, Membership};
use crate::record::OwnedRecord;
use anyhow::Context;
use rdkafka::bindings::{
    rd_kafka_handle_mock_cluster, rd_kafka_mock_group_initial_rebalance_delay_ms,
};
use rdkafka::message::{Header, OwnedHeaders, ToBytes};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use std::collections::BTreeMap;
use std::time::Duration;

/// A running mock cluster of one broker, owned by a producer.
pub struct MockKafka {
    producer: ThreadedProducer<DefaultProducerContext>,
    bootstrap_servers: String,
}

impl MockKafka {
    /// Starts it with these topics.
    ///
    /// # Errors
    /// When librdkafka can't start it.
    pub fn start(topics: &[(&str, i32)]) -> anyhow::Result<MockKafka> {
        let unused = KafkaSettings {
            bootstrap_servers: "127.0.0.1:9092".into(),
            properties: BTreeMap::from([("test.mock.num.brokers".into(), "1".into())]),
            membership: Membership::Dynamic,
        };
        let producer: ThreadedProducer<_> = unused
            .producer()
            .create()
            .context("can't start the mock Kafka")?;
        let bootstrap_servers = with_topics(&producer, topics)?;
        let kafka = MockKafka {
            producer,
            bootstrap_servers,
        };
        kafka.let_groups_begin_at_once();
        Ok(kafka)
    }

    /// Removes the 3 s that a new group waits for more members: here it has one.
    fn let_groups_begin_at_once(&self) {
        // SAFETY: the client lives as long as `self.producer`, and the cluster as
        // long as the client that started it (`test.mock.num.brokers`), so it is
        // not null. The setter takes the cluster's lock.
        unsafe {
            let cluster = rd_kafka_handle_mock_cluster(self.producer.client().native_ptr());
            rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0);
        }
    }

    /// Its address: `host:port`.
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// Sends one record. A full queue drops it, which is acceptable in a demo.
    pub fn send(&self, topic: &str, key: &str, value: &[u8]) -> bool {
        let record = BaseRecord::to(topic).key(key).payload(value);
        self.put(record)
    }

    /// Sends a record with its key, value, headers and timestamp.
    pub fn copy(&self, topic: &str, record: &OwnedRecord) -> bool {
        let mut copy = BaseRecord::<[u8], [u8]>::to(topic);
        let mut headers = OwnedHeaders::new();
        for (name, value) in &record.headers {
            headers = headers.insert(Header {
                key: &String::from_utf8_lossy(name),
                value: value.as_deref(),
            });
        }
        copy = copy.headers(headers);
        if let Some(key) = &record.key {
            copy = copy.key(&key[..]);
        }
        if let Some(value) = &record.value {
            copy = copy.payload(&value[..]);
        }
        if record.timestamp >= 0 {
            copy = copy.timestamp(record.timestamp);
        }
        self.put(copy)
    }

    fn put<K: ToBytes + ?Sized, V: ToBytes + ?Sized>(&self, record: BaseRecord<K, V>) -> bool {
        let sent = self.producer.send(record);
        if let Err((error, _)) = &sent {
            tracing::warn!(%error, "can't send a demo record");
        }
        sent.is_ok()
    }

    /// How many records partition 0 of a topic has received; `None` without a
    /// quick answer.
    pub fn written(&self, topic: &str) -> Option<i64> {
        let asked = self
            .producer
            .client()
            .fetch_watermarks(topic, 0, Duration::from_millis(500));
        asked.ok().map(|(_, next)| next)
    }
}

/// Creates the topics and returns the cluster's address.
fn with_topics(
    producer: &ThreadedProducer<DefaultProducerContext>,
    topics: &[(&str, i32)],
) -> anyhow::Result<String> {
    let cluster = producer.client().mock_cluster();
    let cluster = cluster.context("librdkafka did not start the mock Kafka")?;
    for (topic, partitions) in topics {
        cluster
            .create_topic(topic, *partitions, 1)
            .context("can't create a topic in the mock Kafka")?;
    }
    Ok(cluster.bootstrap_servers())
}
