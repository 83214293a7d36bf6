use super::{Kafka, settings};
use crate::wait::wait_until;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::MetadataTopic;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(30);

/// A name that no other test has: the base, this process's id and a number.
pub fn unique(base: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{base}-{}-{number}", std::process::id())
}

impl Kafka {
    /// Creates a topic with a unique name; returns the name once clients can use every partition.
    pub fn create_topic(&self, base: &str, partitions: i32) -> String {
        self.create_topic_with(base, partitions, &[])
    }

    /// Like [`Kafka::create_topic`], with settings of the topic (`retention.ms`, ...).
    pub fn create_topic_with(
        &self,
        base: &str,
        partitions: i32,
        config: &[(&str, &str)],
    ) -> String {
        let name = unique(base);
        self.create_topic_named(&name, partitions, config);
        name
    }

    /// Creates a topic of exactly this name, for example to recreate a deleted one.
    pub fn create_topic_named(&self, name: &str, partitions: i32, config: &[(&str, &str)]) {
        self.create_topic_copied(name, partitions, settings::replication(&self.nodes), config);
    }

    /// The same with this many replicas of each partition.
    pub fn create_topic_copied(
        &self,
        name: &str,
        partitions: i32,
        copies: i32,
        config: &[(&str, &str)],
    ) {
        let copies = TopicReplication::Fixed(copies);
        let mut topic = NewTopic::new(name, partitions, copies);
        topic.config = config.to_vec();
        let created = pollster::block_on(self.admin().create_topics([&topic], &options()));
        created.unwrap().remove(0).unwrap();
        let what = format!("topic {name} has leaders");
        wait_until(&what, ANSWER, || self.has_leaders(name, partitions));
    }

    /// Increases the topic's partitions to this number; returns when clients can use all of them.
    pub fn add_partitions(&self, name: &str, partitions: i32) {
        let wish = NewPartitions::new(name, usize::try_from(partitions).unwrap());
        let added = pollster::block_on(self.admin().create_partitions([&wish], &options()));
        added.unwrap().remove(0).unwrap();
        let what = format!("the new partitions of {name} have leaders");
        wait_until(&what, ANSWER, || self.has_leaders(name, partitions));
    }

    /// Deletes all present records, as retention deletes old ones.
    pub fn delete_all_records(&self, name: &str) {
        let mut all = TopicPartitionList::new();
        for partition in self.partitions(name) {
            all.add_partition_offset(name, partition, Offset::End)
                .unwrap();
        }
        let deleted = pollster::block_on(self.admin().delete_records(&all, &options()));
        deleted.unwrap();
    }

    /// Deletes the topic and returns when clients no longer see it.
    pub fn delete_topic(&self, name: &str) {
        let deleted = pollster::block_on(self.admin().delete_topics(&[name], &options()));
        deleted.unwrap().remove(0).unwrap();
        let gone = || self.leaders(name).is_empty().then_some(());
        wait_until(&format!("topic {name} is gone"), ANSWER, gone);
    }

    /// Changes one of the topic's settings.
    pub fn alter_topic(&self, topic: &str, name: &str, value: &str) {
        let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(name, value);
        let altered = pollster::block_on(self.admin().alter_configs(&[change], &options()));
        altered.unwrap().remove(0).unwrap();
    }

    /// Removes every record before this offset, as retention does.
    pub fn delete_records(&self, topic: &str, partition: i32, before: i64) {
        let mut list = TopicPartitionList::new();
        let offset = Offset::Offset(before);
        list.add_partition_offset(topic, partition, offset).unwrap();
        pollster::block_on(self.admin().delete_records(&list, &options())).unwrap();
    }

    /// Whether a topic of this name exists.
    pub fn has_topic(&self, name: &str) -> bool {
        !self.leaders(name).is_empty()
    }

    /// The topic's partitions; panics if it has none.
    pub(super) fn partitions(&self, topic: &str) -> BTreeSet<i32> {
        let what = format!("topic {topic} exists");
        wait_until(&what, ANSWER, || {
            let partitions: BTreeSet<i32> = self.leaders(topic).into_keys().collect();
            Some(partitions).filter(|partitions| !partitions.is_empty())
        })
    }

    /// The id of the node that leads this partition, once the leader is not `former`.
    pub(super) fn leader(&self, topic: &str, partition: i32, former: Option<usize>) -> usize {
        let what = format!("{topic}/{partition} has another leader than {former:?}");
        wait_until(&what, ANSWER, || {
            let leader = *self.leaders(topic).get(&partition)?;
            let leader = usize::try_from(leader).unwrap();
            (Some(leader) != former).then_some(leader)
        })
    }

    fn has_leaders(&self, topic: &str, partitions: i32) -> Option<()> {
        let leaders = self.leaders(topic).len();
        (leaders == usize::try_from(partitions).unwrap()).then_some(())
    }

    /// The leader of each partition that has one, read by a new client: an old one may have cached
    /// it.
    fn leaders(&self, topic: &str) -> BTreeMap<i32, i32> {
        let client: BaseConsumer = self.client().create().unwrap();
        let metadata = client.fetch_metadata(Some(topic), ANSWER).unwrap();
        let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
        let led = partitions.filter(|partition| partition.leader() >= 0);
        led.map(|partition| (partition.id(), partition.leader()))
            .collect()
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().unwrap()
    }
}

/// Makes the controller answer only when the brokers know the change.
fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(ANSWER))
}
