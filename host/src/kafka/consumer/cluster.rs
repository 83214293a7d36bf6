//! What may be asked about a cluster.

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

/// Its errors are those of its answers; what is wrong with a broker, the consumer
/// that fetches tells.
struct Asking;

impl ClientContext for Asking {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Asking {}

/// How long a question of a command may take, and one that holds up partitions.
const COMMAND: Duration = Duration::from_secs(10);
const START: Duration = Duration::from_secs(3);

/// A way to ask. It blocks until the cluster answers, for so long at most.
///
/// It has connections of its own: on those of a consumer that fetches, a question
/// waits behind a fetch, which a broker answers only when there are records, or
/// after half a second.
pub struct Cluster {
    consumer: BaseConsumer<Asking>,
    patience: Duration,
}

impl Cluster {
    /// The one that a member of a group asks for its partitions' starts.
    pub(in crate::kafka) fn for_starts(
        kafka: &KafkaSettings,
        group: &str,
    ) -> anyhow::Result<Cluster> {
        Cluster::open(kafka, group, START)
    }

    /// One that is in no group, though it asks for `group`.
    ///
    /// # Errors
    /// When librdkafka refuses the properties.
    pub fn connect(kafka: &KafkaSettings, group: &str) -> anyhow::Result<Cluster> {
        Cluster::open(kafka, group, COMMAND)
    }

    fn open(kafka: &KafkaSettings, group: &str, patience: Duration) -> anyhow::Result<Cluster> {
        let config = kafka.consumer(group, None);
        let consumer = config.create_with_context(Asking);
        let consumer = consumer.context("librdkafka rejected the Kafka properties")?;
        Ok(Cluster { consumer, patience })
    }

    /// Takes what librdkafka tells beside its answers, which would pile up.
    pub(in crate::kafka) fn clear(&self) {
        while self.consumer.poll(Duration::ZERO).is_some() {}
    }

    /// The partition's first offset and the one after its last.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn watermarks(&self, partition: &TopicPartition) -> anyhow::Result<(i64, i64)> {
        let asked =
            self.consumer
                .fetch_watermarks(&partition.topic, partition.partition, self.patience);
        asked.with_context(|| format!("can't read the offsets of {partition} from Kafka"))
    }

    /// The cluster's ID, where it has one.
    pub fn id(&self) -> Option<String> {
        self.consumer.client().fetch_cluster_id(self.patience)
    }

    /// The topic's ID, where the cluster gives it one: a topic made anew under
    /// the same name has another.
    ///
    /// # Errors
    /// When the cluster does not answer, or does not have the topic.
    pub fn topic_id(&self, topic: &str) -> anyhow::Result<Option<String>> {
        // librdkafka's own mock never says who answers this question.
        if self.id().is_some_and(|id| id.starts_with("mockCluster")) {
            return Ok(None);
        }
        // SAFETY: the consumer lives as long as `self`.
        unsafe { admin::topic_id(self.consumer.client().native_ptr(), topic, self.patience) }
    }

    /// What the group has committed, where it has.
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

    /// The first offset whose record is of `millis` (since 1970-01-01 UTC) or
    /// later; `None` where all are older.
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

    /// The topic's partitions, and whether a broker leads each now.
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

    /// How many members the group has now.
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
