//! Topics: which there are, making, growing and deleting them.

use super::call::{Owned, error, list, name, topic_result};
use super::failure::{Doing, nearest};
use super::{Connection, Failure, call};
use crate::ingest::ask::{Code, Op, text};
use rdkafka::bindings as sys;
use std::ffi::c_char;
use std::ptr;
use std::time::{Duration, Instant};

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its ID, where the cluster gives it one.
    pub id: Option<String>,
    /// Kafka's own, such as the one that holds groups' offsets.
    pub internal: bool,
    /// In order.
    pub partitions: Vec<Partition>,
}

/// A partition of a topic.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Its number, from 0.
    pub id: i32,
    /// The broker that leads it; `None` while none does.
    pub leader: Option<i32>,
    /// The brokers that have copies.
    pub replicas: Vec<i32>,
    /// Those of them that have everything.
    pub in_sync: Vec<i32>,
}

/// A topic to make.
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// `None`: as many as the brokers give by themselves.
    pub partitions: Option<i32>,
    /// `None`: as many copies as the brokers make by themselves.
    pub replication: Option<i32>,
    /// Its configuration.
    pub configs: Vec<(String, String)>,
}

impl Topic {
    /// How many copies each partition has; the most, where they differ.
    pub fn replication(&self) -> usize {
        let copies = self.partitions.iter().map(|p| p.replicas.len());
        copies.max().unwrap_or(0)
    }

    /// These of its partitions; all, where none is named.
    pub(super) fn choose(&self, wanted: &[i32]) -> Result<Vec<(String, i32)>, Failure> {
        let last = i32::try_from(self.partitions.len()).unwrap_or(i32::MAX) - 1;
        if let Some(partition) = wanted.iter().find(|id| !(0..=last).contains(*id)) {
            return Err(Failure::NoPartition {
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
    /// The names of all topics that we may see, in order.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn topic_names(&self) -> Result<Vec<String>, Failure> {
        let mut metadata = ptr::null();
        let millis = i32::try_from(call::PATIENCE.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the client lives as long as `self`; what is answered is
        // copied, then destroyed.
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
    /// The first that is not there, or may not be looked at.
    pub fn topics(&self, names: &[String]) -> Result<Vec<Topic>, Failure> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let doing = Doing::new("look at the topics", "Describe", "them");
        let texts = names.iter().map(|one| name(one, &doing));
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        let mut pointers: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
        // SAFETY: the collection copies the names and lives until it is
        // destroyed, after the call; the event owns what is read of it.
        let found: Vec<Found> = unsafe {
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
            list(topics, count).iter().map(|one| found(*one)).collect()
        };
        let mut topics = Vec::with_capacity(found.len());
        for one in found {
            match one {
                Ok(topic) => topics.push(topic),
                Err((topic, code, why)) => return Err(self.no_topic(&topic, code, &why)),
            }
        }
        topics.sort_by_key(|topic| names.iter().position(|name| *name == topic.name));
        Ok(topics)
    }

    /// This topic.
    ///
    /// # Errors
    /// When it is not there, or may not be looked at.
    pub fn topic(&self, topic: &str) -> Result<Topic, Failure> {
        let mut topics = self.topics(&[topic.to_owned()])?;
        topics.pop().ok_or_else(|| Failure::NoTopic {
            topic: topic.into(),
            nearest: None,
        })
    }

    fn no_topic(&self, topic: &str, code: Code, why: &str) -> Failure {
        if code != Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART {
            let what = format!("look at the topic {topic}");
            let resource = format!("the topic {topic}");
            return Doing::new(what, "Describe", resource).failed(code, why);
        }
        let names = self.topic_names().unwrap_or_default();
        Failure::NoTopic {
            topic: topic.into(),
            nearest: nearest(topic, &names),
        }
    }

    /// Makes a topic, or only lets the brokers say whether it could be made.
    /// False where it is there already.
    ///
    /// # Errors
    /// What Kafka has against it.
    pub fn create_topic(&self, new: &NewTopic, only_validate: bool) -> Result<bool, Failure> {
        let what = format!("create the topic {}", new.name);
        let doing = Doing::new(what, "Create", format!("the topic {}", new.name));
        let text = name(&new.name, &doing)?;
        let mut said = [0; 256];
        // SAFETY: the topic is ours until it is destroyed, after the call,
        // which copies it; the buffer is as long as it is said to be.
        let made = unsafe {
            let topic = sys::rd_kafka_NewTopic_new(
                text.as_ptr(),
                new.partitions.unwrap_or(-1),
                new.replication.unwrap_or(-1),
                said.as_mut_ptr(),
                said.len(),
            );
            if topic.is_null() {
                return Err(doing.refused(crate::ingest::ask::text(said.as_ptr())));
            }
            let topic = Owned::new(topic, sys::rd_kafka_NewTopic_destroy);
            for (key, value) in &new.configs {
                let (key, value) = (name(key, &doing)?, name(value, &doing)?);
                sys::rd_kafka_NewTopic_set_config(topic.ptr(), key.as_ptr(), value.as_ptr());
            }
            let mut topics = [topic.ptr()];
            let op = Op::RD_KAFKA_ADMIN_OP_CREATETOPICS;
            let event = self.ask(op, &doing, only_validate, |kafka, ask| {
                sys::rd_kafka_CreateTopics(kafka, topics.as_mut_ptr(), 1, ask.options, ask.queue);
            })?;
            let result = sys::rd_kafka_event_CreateTopics_result(event.0);
            let mut count = 0;
            let results = sys::rd_kafka_CreateTopics_result_topics(result, &raw mut count);
            topic_result(results, count)
        };
        match made {
            Ok(()) => Ok(true),
            Err((Code::RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, _)) => Ok(false),
            Err((code, why)) => Err(doing.failed(code, &why)),
        }
    }

    /// The topic, once every broker that is asked knows it.
    ///
    /// # Errors
    /// When none does within seconds.
    pub fn new_topic(&self, topic: &str) -> Result<Topic, Failure> {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            match self.topic(topic) {
                Ok(found) if found.partitions.iter().all(|p| p.leader.is_some()) => {
                    return Ok(found);
                }
                found if Instant::now() >= until => return found,
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Deletes a topic and all that is in it.
    ///
    /// # Errors
    /// What Kafka has against it.
    pub fn delete_topic(&self, topic: &str) -> Result<(), Failure> {
        let what = format!("delete the topic {topic}");
        let doing = Doing::new(what, "Delete", format!("the topic {topic}"));
        let text = name(topic, &doing)?;
        // SAFETY: the wish is ours until it is destroyed, after the call.
        let deleted = unsafe {
            let wish = Owned::new(
                sys::rd_kafka_DeleteTopic_new(text.as_ptr()),
                sys::rd_kafka_DeleteTopic_destroy,
            );
            let mut wishes = [wish.ptr()];
            let op = Op::RD_KAFKA_ADMIN_OP_DELETETOPICS;
            let event = self.ask(op, &doing, false, |kafka, ask| {
                sys::rd_kafka_DeleteTopics(kafka, wishes.as_mut_ptr(), 1, ask.options, ask.queue);
            })?;
            let result = sys::rd_kafka_event_DeleteTopics_result(event.0);
            let mut count = 0;
            let results = sys::rd_kafka_DeleteTopics_result_topics(result, &raw mut count);
            topic_result(results, count)
        };
        deleted.map_err(|(code, why)| doing.failed(code, &why))
    }

    /// Gives a topic more partitions: this many altogether.
    ///
    /// # Errors
    /// What Kafka has against it.
    pub fn add_partitions(
        &self,
        topic: &str,
        partitions: i32,
        only_validate: bool,
    ) -> Result<(), Failure> {
        let what = format!("give the topic {topic} {partitions} partitions");
        let doing = Doing::new(what, "Alter", format!("the topic {topic}"));
        let (text, mut said) = (name(topic, &doing)?, [0; 256]);
        let wanted = usize::try_from(partitions).unwrap_or(0);
        // SAFETY: as for making a topic.
        let added = unsafe {
            let wish = sys::rd_kafka_NewPartitions_new(
                text.as_ptr(),
                wanted,
                said.as_mut_ptr(),
                said.len(),
            );
            if wish.is_null() {
                return Err(doing.refused(crate::ingest::ask::text(said.as_ptr())));
            }
            let wish = Owned::new(wish, sys::rd_kafka_NewPartitions_destroy);
            let mut wishes = [wish.ptr()];
            let op = Op::RD_KAFKA_ADMIN_OP_CREATEPARTITIONS;
            let event = self.ask(op, &doing, only_validate, |kafka, ask| {
                let (options, queue) = (ask.options, ask.queue);
                sys::rd_kafka_CreatePartitions(kafka, wishes.as_mut_ptr(), 1, options, queue);
            })?;
            let result = sys::rd_kafka_event_CreatePartitions_result(event.0);
            let mut count = 0;
            let results = sys::rd_kafka_CreatePartitions_result_topics(result, &raw mut count);
            topic_result(results, count)
        };
        added.map_err(|(code, why)| doing.failed(code, &why))
    }
}

type Found = Result<Topic, (String, Code, String)>;

/// # Safety
/// `topic` is live.
unsafe fn found(topic: *const sys::rd_kafka_TopicDescription_t) -> Found {
    // SAFETY: by this function's own promise; all that is read belongs to it.
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
    // SAFETY: by this function's own promise; all that is read belongs to it.
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
    // SAFETY: by this function's own promise.
    unsafe {
        let nodes = list(nodes, count).iter();
        nodes.map(|node| sys::rd_kafka_Node_id(*node)).collect()
    }
}
