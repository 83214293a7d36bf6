//! The options of a group consumer.

use crate::kafka::settings::KafkaSettings;

/// What to read, and with which group.
#[derive(Clone)]
pub struct GroupConsumerOptions {
    /// The pipeline's name, for threads and logs.
    pub name: String,
    /// How to reach Kafka.
    pub kafka: KafkaSettings,
    /// The consumer group.
    pub group: String,
    /// The topics.
    pub topics: Vec<String>,
}
