//! Queries about a cluster.

use super::Commit;
use super::context::log;
use crate::kafka::missing::no_topic;
use crate::kafka::native::cluster_calls as admin;
use crate::kafka::settings::KafkaSettings;
use crate::record::TopicPartition;
use anyhow::Context as _;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::metadata::MetadataPartition;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::Duration;

/// Ignores error callbacks: queries return their own errors, and the fetching
/// consumer reports broker errors.
struct Asking;

impl ClientContext for Asking {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Asking {}

/// The time limit for a query of a command, and for one that delays partitions.
const COMMAND: Duration = Duration::from_secs(10);
const START: Duration = Duration::from_secs(3);

/// A client for queries. It blocks until the cluster answers, up to a time limit.
///
/// It has its own connections: on those of a fetching consumer a query would wait
/// behind a fetch, which a broker answers only when there are records, or after
/// half a second.
pub struct Cluster {
    consumer: BaseConsumer<Asking>,
    patience: Duration,
}

impl Cluster {
    /// For a group member that looks up where its partitions start.
    pub(in crate::kafka) fn for_starts(
        kafka: &KafkaSettings,
        group: &str,
    ) -> anyhow::Result<Cluster> {
        Cluster::open(kafka, group, START)
    }

    /// A client that is not a member of `group`, but queries its offsets.
    ///
    /// # Errors
    /// When librdkafka rejects the properties.
    pub fn connect(kafka: &KafkaSettings, group: &str) -> anyhow::Result<Cluster> {
        Cluster::open(kafka, group, COMMAND)
    }

    fn open(kafka: &KafkaSettings, group: &str, patience: Duration) -> anyhow::Result<Cluster> {
        let config = kafka.consumer(group);
        let consumer = config.create_with_context(Asking);
        let consumer = consumer.context("librdkafka rejected the Kafka properties")?;
        Ok(Cluster { consumer, patience })
    }

    /// Drains librdkafka's event queue, which would otherwise grow.
    pub(in crate::kafka) fn clear(&self) {
        while self.consumer.poll(Duration::ZERO).is_some() {}
    }

    /// The partition's first offset, and the offset after its last.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn watermarks(&self, partition: &TopicPartition) -> anyhow::Result<(i64, i64)> {
        let asked =
            self.consumer
                .fetch_watermarks(&partition.topic, partition.partition, self.patience);
        asked.with_context(|| format!("can't read the offsets of {partition} from Kafka"))
    }

    /// The cluster's ID, if it has one.
    pub fn id(&self) -> Option<String> {
        self.consumer.client().fetch_cluster_id(self.patience)
    }

    /// The topic's ID, if the cluster assigns one: a topic that is recreated
    /// under the same name has another ID.
    ///
    /// # Errors
    /// When the cluster does not answer, or does not have the topic.
    pub fn topic_id(&self, topic: &str) -> anyhow::Result<Option<String>> {
        // librdkafka's mock cluster never answers this query.
        if self.id().is_some_and(|id| id.starts_with("mockCluster")) {
            return Ok(None);
        }
        // SAFETY: the consumer lives as long as `self`.
        unsafe { admin::topic_id(self.consumer.client().native_ptr(), topic, self.patience) }
    }

    /// The group's committed offset, if there is one.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn committed(&self, partition: &TopicPartition) -> anyhow::Result<Option<Commit>> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&partition.topic, partition.partition);
        let asked = self.consumer.committed_offsets(list, self.patience);
        let list = asked.with_context(|| {
            format!("can't read the committed offset of {partition} from Kafka")
        })?;
        Ok(offset_of(&list).map(|next| Commit {
            partition: partition.clone(),
            next,
            metadata: admin::metadata(&list),
        }))
    }

    /// The first offset whose record is from `millis` (since 1970-01-01 UTC) or
    /// later; `None` if all are older.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn at_time(&self, partition: &TopicPartition, millis: i64) -> anyhow::Result<Option<i64>> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(
            &partition.topic,
            partition.partition,
            Offset::Offset(millis),
        )?;
        let asked = self.consumer.offsets_for_times(list, self.patience);
        let list =
            asked.with_context(|| format!("can't look up a time in {partition} in Kafka"))?;
        Ok(offset_of(&list))
    }

    /// The topic's partitions.
    ///
    /// # Errors
    /// When the cluster does not answer, or does not have the topic.
    pub fn partitions(&self, topic: &str) -> anyhow::Result<Vec<TopicPartition>> {
        let partition = |p: &MetadataPartition| TopicPartition {
            topic: topic.into(),
            partition: p.id(),
        };
        let mut partitions = self.each_partition(topic, partition)?;
        partitions.sort();
        Ok(partitions)
    }

    /// The topic's partitions, and whether each currently has a leader.
    ///
    /// # Errors
    /// When the cluster does not answer, or does not have the topic.
    pub fn led(&self, topic: &str) -> anyhow::Result<BTreeMap<i32, bool>> {
        let of = |p: &MetadataPartition| (p.id(), p.leader() >= 0);
        self.each_partition(topic, of)
            .map(|all| all.into_iter().collect())
    }

    fn each_partition<T>(
        &self,
        topic: &str,
        of: impl Fn(&MetadataPartition) -> T,
    ) -> anyhow::Result<Vec<T>> {
        let metadata = self.consumer.fetch_metadata(Some(topic), self.patience);
        let metadata = metadata
            .with_context(|| format!("can't read the partitions of topic {topic} from Kafka"))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let found = found.filter(|found| found.error().is_none());
        let found = found.with_context(|| no_topic(topic))?;
        Ok(found.partitions().iter().map(of).collect())
    }

    /// The current number of members of the group.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn members(&self, group: &str) -> anyhow::Result<usize> {
        let groups = self.consumer.fetch_group_list(Some(group), self.patience);
        let groups = groups.with_context(|| {
            format!("can't read the members of consumer group {group} from Kafka")
        })?;
        Ok(groups
            .groups()
            .iter()
            .map(|group| group.members().len())
            .sum())
    }
}

fn offset_of(list: &TopicPartitionList) -> Option<i64> {
    match list.elements().first()?.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}
