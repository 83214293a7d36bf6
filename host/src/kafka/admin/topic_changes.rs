//! Creates topics, adds partitions, deletes topics.

use crate::kafka::cluster_error::Doing;
use crate::kafka::native::ask::{Code, Op, text};
use crate::kafka::native::call::{Owned, name, topic_result};
use crate::kafka::{ClusterError, Connection, Topic};
use rdkafka::bindings as sys;
use std::time::{Duration, Instant};

/// A topic to create.
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// `None` for the brokers' default.
    pub partitions: Option<i32>,
    /// The replication factor; `None` for the brokers' default.
    pub replication: Option<i32>,
    /// Its configuration.
    pub configs: Vec<(String, String)>,
}

impl Connection {
    /// Creates a topic, or only lets the brokers validate it. Returns false if it
    /// exists already.
    ///
    /// # Errors
    /// Kafka's reason to refuse.
    pub fn create_topic(&self, new: &NewTopic, only_validate: bool) -> Result<bool, ClusterError> {
        let what = format!("create the topic {}", new.name);
        let doing = Doing::new(what, "Create", format!("the topic {}", new.name));
        let doing = doing.changing(only_validate);
        let named = name(&new.name, &doing)?;
        let mut said = [0; 256];
        // SAFETY: we own the topic until it is destroyed, after the call, which
        // copies it; the buffer has the given length.
        let made = unsafe {
            let topic = sys::rd_kafka_NewTopic_new(
                named.as_ptr(),
                new.partitions.unwrap_or(-1),
                new.replication.unwrap_or(-1),
                said.as_mut_ptr(),
                said.len(),
            );
            if topic.is_null() {
                return Err(doing.refused(text(said.as_ptr())));
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

    /// Waits until the brokers know a new topic, and returns it.
    ///
    /// # Errors
    /// When they don't within seconds.
    pub fn new_topic(&self, topic: &str) -> Result<Topic, ClusterError> {
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

    /// Deletes a topic with all its records.
    ///
    /// # Errors
    /// Kafka's reason to refuse.
    pub fn delete_topic(&self, topic: &str) -> Result<(), ClusterError> {
        let what = format!("delete the topic {topic}");
        let doing = Doing::new(what, "Delete", format!("the topic {topic}"));
        let doing = doing.changing(false);
        let named = name(topic, &doing)?;
        // SAFETY: we own the request until it is destroyed, after the call.
        let deleted = unsafe {
            let wish = Owned::new(
                sys::rd_kafka_DeleteTopic_new(named.as_ptr()),
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

    /// Adds partitions to a topic; `partitions` is the new total.
    ///
    /// # Errors
    /// Kafka's reason to refuse.
    pub fn add_partitions(
        &self,
        topic: &str,
        partitions: i32,
        only_validate: bool,
    ) -> Result<(), ClusterError> {
        let what = format!("give the topic {topic} {partitions} partitions");
        let doing = Doing::new(what, "Alter", format!("the topic {topic}"));
        let doing = doing.changing(only_validate);
        let (named, mut said) = (name(topic, &doing)?, [0; 256]);
        let wanted = usize::try_from(partitions).unwrap_or(0);
        // SAFETY: as for creating a topic.
        let added = unsafe {
            let wish = sys::rd_kafka_NewPartitions_new(
                named.as_ptr(),
                wanted,
                said.as_mut_ptr(),
                said.len(),
            );
            if wish.is_null() {
                return Err(doing.refused(text(said.as_ptr())));
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
