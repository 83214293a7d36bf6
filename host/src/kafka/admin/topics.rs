//! Topics, and the brokers that have their partitions.

use crate::kafka::cluster_error::{Doing, nearest};
use crate::kafka::native::ask::{Code, Op, text};
use crate::kafka::native::call;
use crate::kafka::native::call::{Owned, error, list, name};
use crate::kafka::{ClusterError, Connection};
use rdkafka::bindings as sys;
use std::ffi::c_char;
use std::ptr;

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its ID, if the cluster assigns one.
    pub id: Option<String>,
    /// Whether it is internal to Kafka, such as the one with the groups' offsets.
    pub internal: bool,
    /// In order.
    pub partitions: Vec<Partition>,
}

/// A partition of a topic.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Its number, from 0.
    pub id: i32,
    /// Its leader; `None` while it has none.
    pub leader: Option<i32>,
    /// The brokers with a replica.
    pub replicas: Vec<i32>,
    /// The in-sync replicas.
    pub in_sync: Vec<i32>,
}

impl Topic {
    /// The replication factor; the largest one if partitions differ.
    pub fn replication(&self) -> usize {
        let copies = self.partitions.iter().map(|p| p.replicas.len());
        copies.max().unwrap_or(0)
    }

    /// The wanted partitions of the topic; all, if `wanted` is empty.
    pub(in crate::kafka) fn choose(
        &self,
        wanted: &[i32],
    ) -> Result<Vec<(String, i32)>, ClusterError> {
        let last = i32::try_from(self.partitions.len()).unwrap_or(i32::MAX) - 1;
        if let Some(partition) = wanted.iter().find(|id| !(0..=last).contains(*id)) {
            return Err(ClusterError::NoPartition {
                topic: self.name.clone(),
                partition: *partition,
                last,
            });
        }
        let ids = self.partitions.iter().map(|partition| partition.id);
        let chosen = ids.filter(|id| wanted.is_empty() || wanted.contains(id));
        Ok(chosen.map(|id| (self.name.clone(), id)).collect())
    }
}

impl Connection {
    /// The names of all topics that we are allowed to see, sorted.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn topic_names(&self) -> Result<Vec<String>, ClusterError> {
        let mut metadata = ptr::null();
        let millis = i32::try_from(call::PATIENCE.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the client lives as long as `self`; the answer is copied, then
        // destroyed.
        let mut names: Vec<String> = unsafe {
            let code = sys::rd_kafka_metadata(
                self.native(),
                1,
                ptr::null_mut(),
                &raw mut metadata,
                millis,
            );
            if code != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
                return Err(self.lost());
            }
            let count = usize::try_from((*metadata).topic_cnt).unwrap_or(0);
            let topics = list((*metadata).topics, count);
            let names = topics.iter().map(|topic| text(topic.topic)).collect();
            sys::rd_kafka_metadata_destroy(metadata);
            names
        };
        names.sort();
        Ok(names)
    }

    /// These topics, in this order.
    ///
    /// # Errors
    /// The first topic that does not exist or may not be described.
    pub fn topics(&self, names: &[String]) -> Result<Vec<Topic>, ClusterError> {
        let found = self.found(names)?.into_iter();
        let described =
            found.map(|one| one.map_err(|(topic, code, why)| self.no_topic(&topic, code, &why)));
        let mut topics = described.collect::<Result<Vec<_>, _>>()?;
        topics.sort_by_key(|topic| names.iter().position(|name| *name == topic.name));
        Ok(topics)
    }

    /// The topics that exist, that we are allowed to see and that are wanted,
    /// sorted by name. A topic that is deleted meanwhile is left out.
    ///
    /// # Errors
    /// When the cluster does not answer, or a topic may not be described.
    pub fn topics_where(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Topic>, ClusterError> {
        let mut names = self.topic_names()?;
        names.retain(|name| wanted(name));
        let mut topics = Vec::with_capacity(names.len());
        for one in self.found(&names)? {
            match one {
                Ok(topic) => topics.push(topic),
                Err((_, Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, _)) => {}
                Err((topic, code, why)) => return Err(self.no_topic(&topic, code, &why)),
            }
        }
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    fn found(&self, names: &[String]) -> Result<Vec<Found>, ClusterError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let doing = Doing::new("describe the topics", "Describe", "these topics");
        let texts = names.iter().map(|one| name(one, &doing));
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        let mut pointers: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
        // SAFETY: the collection copies the names and lives until it is
        // destroyed, after the call; the event owns the data that is read from
        // it.
        unsafe {
            let wanted = Owned::new(
                sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()),
                sys::rd_kafka_TopicCollection_destroy,
            );
            let op = Op::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
            let event = self.ask(op, &doing, false, |kafka, ask| {
                sys::rd_kafka_DescribeTopics(kafka, wanted.ptr(), ask.options, ask.queue);
            })?;
            let result = sys::rd_kafka_event_DescribeTopics_result(event.0);
            let mut count = 0;
            let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
            Ok(list(topics, count).iter().map(|one| found(*one)).collect())
        }
    }

    /// This topic.
    ///
    /// # Errors
    /// When it does not exist, or describing it is not allowed.
    pub fn topic(&self, topic: &str) -> Result<Topic, ClusterError> {
        let mut topics = self.topics(&[topic.to_owned()])?;
        topics.pop().ok_or_else(|| ClusterError::NoTopic {
            topic: topic.into(),
            nearest: None,
        })
    }

    fn no_topic(&self, topic: &str, code: Code, why: &str) -> ClusterError {
        if code != Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART {
            let what = format!("describe the topic {topic}");
            let resource = format!("the topic {topic}");
            return Doing::new(what, "Describe", resource).failed(code, why);
        }
        let names = self.topic_names().unwrap_or_default();
        ClusterError::NoTopic {
            topic: topic.into(),
            nearest: nearest(topic, &names),
        }
    }
}

type Found = Result<Topic, (String, Code, String)>;

/// # Safety
/// `topic` is live.
unsafe fn found(topic: *const sys::rd_kafka_TopicDescription_t) -> Found {
    // SAFETY: by this function's safety contract; all data that is read belongs
    // to it.
    unsafe {
        let name = text(sys::rd_kafka_TopicDescription_name(topic));
        if let Some((code, why)) = error(sys::rd_kafka_TopicDescription_error(topic)) {
            return Err((name, code, why));
        }
        let id = sys::rd_kafka_TopicDescription_topic_id(topic);
        let zero = sys::rd_kafka_Uuid_most_significant_bits(id) == 0
            && sys::rd_kafka_Uuid_least_significant_bits(id) == 0;
        let mut count = 0;
        let partitions = sys::rd_kafka_TopicDescription_partitions(topic, &raw mut count);
        let partitions = list(partitions, count).iter();
        let mut partitions: Vec<_> = partitions.map(|one| partition(*one)).collect();
        partitions.sort_by_key(|partition| partition.id);
        Ok(Topic {
            name,
            id: (!zero).then(|| text(sys::rd_kafka_Uuid_base64str(id))),
            internal: sys::rd_kafka_TopicDescription_is_internal(topic) != 0,
            partitions,
        })
    }
}

/// # Safety
/// `partition` is live.
unsafe fn partition(partition: *const sys::rd_kafka_TopicPartitionInfo_t) -> Partition {
    // SAFETY: by this function's safety contract; all data that is read belongs
    // to it.
    unsafe {
        let leader = sys::rd_kafka_TopicPartitionInfo_leader(partition);
        let leader = (!leader.is_null()).then(|| sys::rd_kafka_Node_id(leader));
        let (mut copies, mut synced) = (0, 0);
        let replicas = sys::rd_kafka_TopicPartitionInfo_replicas(partition, &raw mut copies);
        let in_sync = sys::rd_kafka_TopicPartitionInfo_isr(partition, &raw mut synced);
        Partition {
            id: sys::rd_kafka_TopicPartitionInfo_partition(partition),
            leader: leader.filter(|id| *id >= 0),
            replicas: nodes(replicas, copies),
            in_sync: nodes(in_sync, synced),
        }
    }
}

/// # Safety
/// `nodes` has `count` live entries.
unsafe fn nodes(nodes: *mut *const sys::rd_kafka_Node_t, count: usize) -> Vec<i32> {
    // SAFETY: by this function's safety contract.
    unsafe {
        let nodes = list(nodes, count).iter();
        nodes.map(|node| sys::rd_kafka_Node_id(*node)).collect()
    }
}
