//! A Kafka inside this process, for the demo: librdkafka's mock cluster. It
//! keeps little and checks less; no test of delivery runs on it.

use super::KafkaSettings;
use anyhow::Context;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, ThreadedProducer};
use std::collections::BTreeMap;

/// A running mock cluster.
pub struct MockKafka {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl MockKafka {
    /// Starts one broker with these topics.
    ///
    /// # Errors
    /// When librdkafka can't start it.
    pub fn start(topics: &[(&str, i32)]) -> anyhow::Result<MockKafka> {
        let cluster = MockCluster::new(1).context("starting the mock Kafka")?;
        for (topic, partitions) in topics {
            cluster
                .create_topic(topic, *partitions, 1)
                .context("creating a topic")?;
        }
        Ok(MockKafka { cluster })
    }

    /// How to reach it.
    pub fn settings(&self) -> KafkaSettings {
        let bootstrap_servers = self.cluster.bootstrap_servers();
        KafkaSettings {
            bootstrap_servers,
            properties: BTreeMap::new(),
        }
    }
}

/// Writes the demo's records.
pub struct DemoProducer(ThreadedProducer<DefaultProducerContext>);

impl DemoProducer {
    /// A producer to that Kafka.
    ///
    /// # Errors
    /// When librdkafka can't make it.
    pub fn new(kafka: &KafkaSettings) -> anyhow::Result<DemoProducer> {
        Ok(DemoProducer(
            kafka
                .producer()
                .create()
                .context("making the demo's producer")?,
        ))
    }

    /// Sends one record. A full queue drops it: it is a demo's.
    pub fn send(&self, topic: &str, key: &str, value: &[u8]) {
        let record = BaseRecord::to(topic).key(key).payload(value);
        if let Err((error, _)) = self.0.send(record) {
            tracing::warn!(%error, "a demo record was not sent");
        }
    }
}
