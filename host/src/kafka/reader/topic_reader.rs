//! Reading a topic, alone or with a group.

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

/// How long the last commit and leaving the group may take.
const CLOSE: Duration = Duration::from_secs(4);

/// How long a member without partitions waits for some, before that is the end
/// of what it has to read.
const IDLE: Duration = Duration::from_secs(5);

/// What came of waiting.
pub enum Step {
    /// The next record.
    Record(Box<OwnedRecord>),
    /// Nothing within the time given.
    Nothing,
    /// The end that was to be read to.
    End,
}

/// Reads records, one after another.
pub struct Reader {
    consumer: Arc<BaseConsumer<Member>>,
    topic: String,
    group: Option<String>,
    to_end: bool,
    /// Since when it is a member without a partition.
    idle: Option<Instant>,
}

impl Reader {
    /// Begins to read.
    ///
    /// # Errors
    /// When the topic or a partition is not there, an offset is not in it, or
    /// librdkafka refuses the properties.
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

    /// The next record, if one comes within `patience`.
    ///
    /// # Errors
    /// What can't be waited out: the topic is gone, or may not be read.
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

    /// Whether all that is ours is read to its end.
    fn has_ended(&mut self) -> bool {
        let assigned = self.consumer.context().assigned();
        match assigned.as_ref() {
            None => false,
            // A topic that is new may be given out before its partitions are
            // known, and again a moment later.
            Some(none) if none.is_empty() => {
                self.idle.get_or_insert_with(Instant::now).elapsed() > IDLE
            }
            Some(ours) => {
                self.idle = None;
                ours.values().all(|ended| *ended)
            }
        }
    }

    /// What Kafka complains of now, while nothing comes.
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
            // Alone, nothing is asked of a group; librdkafka looks for its
            // coordinator all the same.
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

    /// Everything of this partition before `next` is shown: it may be
    /// committed, now and then, and when the reader closes.
    pub fn shown(&self, partition: i32, next: i64) {
        if self.group.is_some() {
            // Fails where the partition is not ours any more: another member
            // shows it again.
            let _ = self.consumer.store_offset(&self.topic, partition, next - 1);
        }
    }

    /// Commits what was shown and leaves the group, in bounded time.
    ///
    /// # Errors
    /// What was shown and could not be committed: it will be read again.
    pub fn close(self) -> Result<(), ClusterError> {
        let Some(group) = self.group.clone() else {
            return self.leave();
        };
        let doing = crate::kafka::admin::groups::doing("commit the offsets of", "Read", &group);
        let consumer = self.consumer.clone();
        // What is stored, and nothing that we keep ourselves: librdkafka
        // forgets what it has stored of a partition that goes to another
        // member, which may have committed more by the time it comes back.
        let committed = within(CLOSE, move || {
            match consumer.commit_consumer_state(CommitMode::Sync) {
                Err(error) if error.rdkafka_error_code() == Some(NoOffset) => Ok(()),
                other => other,
            }
        });
        let left = match committed {
            // Whoever does not answer that will not answer the farewell.
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

    /// Closes the consumer, in a thread that is left behind if it takes long:
    /// it waits for a coordinator that may be down.
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

/// What `work` gives, unless it takes longer than `patience` or there is no
/// thread for it.
fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, done) = sync_channel(1);
    let work = move || {
        // Nobody waits any more: the program ends.
        let _ = tell.send(work());
    };
    std::thread::Builder::new().spawn(work).ok()?;
    done.recv_timeout(patience).ok()
}
