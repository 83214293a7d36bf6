//! How many partitions the topics have, as a member needs to know before it joins.

use super::options::GroupConsumerOptions;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::time::Duration;

/// The time limit for asking Kafka about one topic.
const COUNT: Duration = Duration::from_secs(2);
/// The assumed number of partitions if Kafka does not answer: a large number, since it limits
/// memory.
const MANY: usize = 100;

/// The number of partitions of each topic, in the order of the options; `None` if Kafka does not
/// answer.
pub(super) fn partition_counts(options: &GroupConsumerOptions) -> Option<Vec<usize>> {
    let mut config = options.kafka.consumer(&options.group);
    // It only queries, so it needs no group that it would have to leave.
    config.remove("group.id");
    let consumer: BaseConsumer = config.create().ok()?;
    let count = |topic: &String| {
        let metadata = consumer.fetch_metadata(Some(topic), COUNT).ok()?;
        let topics = metadata.topics().iter();
        Some(topics.map(|topic| topic.partitions().len()).sum())
    };
    options.topics.iter().map(count).collect()
}

/// The most partitions that one member may get: all of them.
pub(super) fn most_partitions(counts: Option<&[usize]>) -> usize {
    counts.map_or(MANY, |counts| counts.iter().sum())
}
