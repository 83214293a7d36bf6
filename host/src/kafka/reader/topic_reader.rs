//! Reads a topic, alone or with a group.

use super::member::Member;
use super::reading;
use super::reading::{Begin, Reading};
use crate::kafka::cluster_error::{Doing, tidy};
use crate::kafka::connection;
use crate::kafka::connection::Trouble;
use crate::kafka::{ClusterError, Connection};
use crate::record::OwnedRecord;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode::NoOffset;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Message, Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

/// The time limit for the last commit, and for leaving the group.
const CLOSE: Duration = Duration::from_secs(4);

/// How long a member without partitions waits for some before it counts as having
/// read everything.
const IDLE: Duration = Duration::from_secs(5);

/// The result of [`Reader::next`].
pub enum Step {
    /// The next record.
    Record(Box<OwnedRecord>),
    /// No record within the given time.
    Nothing,
    /// The end of the topic was reached.
    End,
}

/// Reads records, one after another.
pub struct Reader {
    consumer: Arc<BaseConsumer<Member>>,
    topic: String,
    group: Option<String>,
    to_end: bool,
    /// Since when it has been a member without partitions.
    idle: Option<Instant>,
}

impl Reader {
    /// Starts reading.
    ///
    /// # Errors
    /// When the topic or a partition does not exist, an offset is outside its
    /// partition, or librdkafka rejects the properties.
    pub fn start(connection: &Connection, reading: &Reading) -> Result<Reader, ClusterError> {
        let topic = connection.topic(&reading.topic)?;
        let config = reading::config(&connection.settings, reading);
        let consumer = config.create_with_context(Member::default());
        let consumer: BaseConsumer<Member> = consumer.map_err(connection::refused)?;
        let reader = Reader {
            consumer: Arc::new(consumer),
            topic: topic.name.clone(),
            group: match &reading.begin {
                Begin::Group { group, .. } => Some(group.clone()),
                Begin::Alone { .. } => None,
            },
            to_end: reading.to_end,
            idle: None,
        };
        match &reading.begin {
            Begin::Group { .. } => reader.consumer.subscribe(&[&topic.name]),
            Begin::Alone { partitions, at } => {
                let which = topic.choose(partitions)?;
                let offsets = connection.offsets_of(&which, *at)?;
                reader.assign(offsets.into_iter().map(|((_, id), offset)| (id, offset)))
            }
        }
        .map_err(|error| reader.doing().refused(error))?;
        Ok(reader)
    }

    fn assign(&self, at: impl Iterator<Item = (i32, i64)>) -> Result<(), KafkaError> {
        let list = self.list(at)?;
        let ids = list
            .elements()
            .iter()
            .map(|one| (one.partition(), false))
            .collect();
        *self.consumer.context().assigned() = Some(ids);
        self.consumer.assign(&list)
    }

    fn list(
        &self,
        offsets: impl Iterator<Item = (i32, i64)>,
    ) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            list.add_partition_offset(&self.topic, partition, Offset::Offset(offset))?;
        }
        Ok(list)
    }

    fn doing(&self) -> Doing {
        let topic = format!("the topic {}", self.topic);
        Doing::new(format!("read {topic}"), "Read", topic)
    }

    /// The next record, if one arrives within `patience`.
    ///
    /// # Errors
    /// Errors that waiting does not fix: the topic is deleted, or reading it is
    /// not allowed.
    pub fn next(&mut self, patience: Duration) -> Result<Step, ClusterError> {
        let consumer = self.consumer.clone();
        match consumer.poll(patience) {
            Some(Ok(message)) => {
                consumer.context().quiet.fine();
                consumer.context().ended(message.partition(), false);
                return Ok(Step::Record(Box::new(reading::record(&message))));
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                consumer.context().quiet.fine();
                consumer.context().ended(partition, true);
            }
            Some(Err(error)) => self.survives(&error)?,
            None => {}
        }
        Ok(match self.to_end && self.has_ended() {
            true => Step::End,
            false => Step::Nothing,
        })
    }

    /// Whether all our partitions are read to their ends.
    fn has_ended(&mut self) -> bool {
        let assigned = self.consumer.context().assigned();
        match assigned.as_ref() {
            None => false,
            // A new topic may be assigned before its partitions are known, and
            // again a moment later.
            Some(none) if none.is_empty() => {
                self.idle.get_or_insert_with(Instant::now).elapsed() > IDLE
            }
            Some(ours) => {
                self.idle = None;
                ours.values().all(|ended| *ended)
            }
        }
    }

    /// The current error from Kafka, while no records arrive.
    pub fn trouble(&self) -> Option<String> {
        let Trouble { why, hopeless } = self.consumer.context().quiet.trouble();
        why.filter(|_| hopeless)
    }

    fn survives(&self, error: &KafkaError) -> Result<(), ClusterError> {
        use RDKafkaErrorCode as E;
        let code = error.rdkafka_error_code();
        let trouble = self.consumer.context().quiet.trouble().why;
        let why = trouble.unwrap_or_else(|| tidy(&error.to_string()));
        match (code, &self.group) {
            (Some(E::GroupAuthorizationFailed), Some(group)) => {
                let resource = format!("the group {group}");
                let what = format!("read with {resource}");
                Err(ClusterError::NotAllowed(Doing::new(what, "Read", resource)))
            }
            // Without a group the coordinator is not needed, but librdkafka looks
            // for it anyway.
            (Some(E::GroupAuthorizationFailed), None) => Ok(()),
            (Some(E::TopicAuthorizationFailed), _) => Err(ClusterError::NotAllowed(self.doing())),
            (Some(E::UnknownTopicOrPartition | E::UnknownTopic), _) => {
                Err(self.doing().refused("the topic was deleted"))
            }
            (Some(E::InconsistentGroupProtocol), _) => Err(self.doing().refused(
                "the group's other members use another assignment strategy: set the same one, such as \
                 -X partition.assignment.strategy=cooperative-sticky",
            )),
            (Some(E::OffsetOutOfRange | E::AutoOffsetReset), _) => {
                Err(self.doing().refused(format!("the offset is out of range: {why}")))
            }
            (Some(E::Fatal | E::FencedInstanceId | E::UnsupportedSASLMechanism), _) => {
                Err(self.doing().refused(why))
            }
            _ => Ok(()),
        }
    }

    /// All records of this partition before `next` are shown: the offset is
    /// committed periodically and when the reader closes.
    pub fn shown(&self, partition: i32, next: i64) {
        if self.group.is_some() {
            // Fails if the partition was revoked: another member shows the record
            // again.
            let _ = self.consumer.store_offset(&self.topic, partition, next - 1);
        }
    }

    /// Commits the offsets of shown records and leaves the group, in bounded
    /// time.
    ///
    /// # Errors
    /// When the commit fails: the records will be read again.
    pub fn close(self) -> Result<(), ClusterError> {
        let Some(group) = self.group.clone() else {
            return self.leave();
        };
        let doing = crate::kafka::admin::groups::doing("commit the offsets of", "Read", &group);
        let consumer = self.consumer.clone();
        // Commits librdkafka's stored offsets, not our own copy: librdkafka drops
        // the stored offset of a revoked partition, and another member may have
        // committed a later one by the time the partition returns.
        let committed = within(CLOSE, move || {
            match consumer.commit_consumer_state(CommitMode::Sync) {
                Err(error) if error.rdkafka_error_code() == Some(NoOffset) => Ok(()),
                other => other,
            }
        });
        let left = match committed {
            // A coordinator that did not answer the commit will not answer this.
            None => Ok(()),
            Some(_) => self.leave(),
        };
        match committed {
            Some(Ok(())) => left,
            Some(Err(error)) if error.rdkafka_error_code().is_some_and(denied) => {
                Err(ClusterError::NotAllowed(doing))
            }
            Some(Err(error)) => {
                Err(doing.refused(format!("{error}; the records will be read again")))
            }
            None => Err(doing.refused("no answer from Kafka; the records will be read again")),
        }
    }

    /// Closes the consumer on a thread that is abandoned if it takes too long: it
    /// waits for a coordinator that may be down.
    fn leave(self) -> Result<(), ClusterError> {
        let Reader { consumer, .. } = self;
        within(CLOSE, move || {
            if consumer.close_queue().is_ok() {
                while !consumer.closed() {
                    let _ = consumer.poll(Duration::from_millis(50));
                }
            }
        });
        Ok(())
    }
}

fn denied(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as E;
    matches!(
        code,
        E::GroupAuthorizationFailed | E::TopicAuthorizationFailed
    )
}

/// The result of `work`; `None` if it takes longer than `patience` or no thread
/// can be started.
fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, done) = sync_channel(1);
    let work = move || {
        // The receiver may be gone, since the program is ending.
        let _ = tell.send(work());
    };
    std::thread::Builder::new().spawn(work).ok()?;
    done.recv_timeout(patience).ok()
}
