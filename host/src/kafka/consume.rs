//! Reading a topic, alone or with a group.

use super::connection::{self, Quiet, Trouble};
use super::failure::{Doing, tidy};
use super::{Connection, Failure, Place};
use crate::ingest::headers;
use crate::record::{OwnedRecord, TopicPartition};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the last commit and leaving the group may take.
const CLOSE: Duration = Duration::from_secs(4);

/// How long a member without partitions waits for some, before that is the end
/// of what it has to read.
const IDLE: Duration = Duration::from_secs(5);

/// What to read.
pub struct Reading {
    /// The topic.
    pub topic: String,
    /// Where to begin, and as whom.
    pub begin: Begin,
    /// Stop where the topic ends.
    pub to_end: bool,
    /// Also what transactions wrote that were not, or not yet, committed.
    pub uncommitted: bool,
}

/// Where to begin, and as whom.
pub enum Begin {
    /// For oneself: nothing is committed.
    Alone {
        /// These alone; all, if empty.
        partitions: Vec<i32>,
        /// Where, in each.
        at: Place,
    },
    /// With this group: where it has got to.
    Group {
        /// Its name.
        group: String,
        /// In a partition without a commit: at the oldest record, not after
        /// the newest.
        earliest: bool,
    },
}

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
    ended: BTreeSet<i32>,
    /// Since when it is a member without a partition.
    idle: Option<Instant>,
    /// The next offset by partition, of what was shown.
    shown: BTreeMap<i32, i64>,
}

/// Of a consumer: what it is assigned, and what it complains of.
#[derive(Default)]
struct Member {
    quiet: Quiet,
    assigned: Mutex<Option<BTreeSet<i32>>>,
}

impl Member {
    fn assigned(&self) -> MutexGuard<'_, Option<BTreeSet<i32>>> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.quiet.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.quiet.error(error, reason);
    }
}

impl ConsumerContext for Member {
    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let of = |list: &TopicPartitionList| -> BTreeSet<i32> {
            list.elements()
                .iter()
                .map(TopicPartitionListElem::partition)
                .collect()
        };
        let mut assigned = self.assigned();
        match rebalance {
            Rebalance::Assign(list) => assigned.get_or_insert_default().extend(of(list)),
            Rebalance::Revoke(list) => {
                let revoked = of(list);
                if let Some(assigned) = assigned.as_mut() {
                    assigned.retain(|partition| !revoked.contains(partition));
                }
            }
            Rebalance::Error(_) => {}
        }
    }
}

impl Reader {
    /// Begins to read.
    ///
    /// # Errors
    /// When the topic or a partition is not there, an offset is not in it, or
    /// librdkafka refuses the properties.
    pub fn start(connection: &Connection, reading: &Reading) -> Result<Reader, Failure> {
        let topic = connection.topic(&reading.topic)?;
        let config = config(connection, reading);
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
            ended: BTreeSet::new(),
            idle: None,
            shown: BTreeMap::new(),
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
            .map(TopicPartitionListElem::partition)
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
    pub fn next(&mut self, patience: Duration) -> Result<Step, Failure> {
        let consumer = self.consumer.clone();
        match consumer.poll(patience) {
            Some(Ok(message)) => {
                consumer.context().quiet.fine();
                self.ended.remove(&message.partition());
                return Ok(Step::Record(Box::new(record(&message))));
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                consumer.context().quiet.fine();
                self.ended.insert(partition);
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
                ours.is_subset(&self.ended)
            }
        }
    }

    /// What Kafka complains of now, while nothing comes.
    pub fn trouble(&self) -> Option<String> {
        let Trouble { why, hopeless } = self.consumer.context().quiet.trouble();
        why.filter(|_| hopeless)
    }

    fn survives(&self, error: &KafkaError) -> Result<(), Failure> {
        use RDKafkaErrorCode as E;
        let code = error.rdkafka_error_code();
        let trouble = self.consumer.context().quiet.trouble().why;
        let why = trouble.unwrap_or_else(|| tidy(&error.to_string()));
        match (code, &self.group) {
            (Some(E::GroupAuthorizationFailed), Some(group)) => {
                let resource = format!("the group {group}");
                let what = format!("read with {resource}");
                Err(Failure::NotAllowed(Doing::new(what, "Read", resource)))
            }
            // Alone, nothing is asked of a group; librdkafka looks for its
            // coordinator all the same.
            (Some(E::GroupAuthorizationFailed), None) => Ok(()),
            (Some(E::TopicAuthorizationFailed), _) => Err(Failure::NotAllowed(self.doing())),
            (Some(E::UnknownTopicOrPartition | E::UnknownTopic), _) => {
                Err(self.doing().refused("it has been deleted"))
            }
            (Some(E::InconsistentGroupProtocol), _) => Err(self.doing().refused(
                "the group's members share partitions in another way: give the same, such as \
                 -X partition.assignment.strategy=cooperative-sticky",
            )),
            (Some(E::OffsetOutOfRange | E::AutoOffsetReset), _) => {
                Err(self.doing().refused(format!("the offset is gone: {why}")))
            }
            (Some(E::Fatal | E::FencedInstanceId | E::UnsupportedSASLMechanism), _) => {
                Err(self.doing().refused(why))
            }
            _ => Ok(()),
        }
    }

    /// Everything of this partition before `next` is shown: it may be
    /// committed, now and then, and when the reader closes.
    pub fn shown(&mut self, partition: i32, next: i64) {
        self.shown.insert(partition, next);
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
    pub fn close(self) -> Result<(), Failure> {
        let Some(group) = self.group.clone() else {
            return self.leave();
        };
        let doing = super::groups::doing("commit what was read with", "Read", &group);
        let list = self.list(self.shown.iter().map(|(id, next)| (*id, *next)));
        let list = list.map_err(|error| doing.refused(error))?;
        let (consumer, ours) = (self.consumer.clone(), self.consumer.context().assigned());
        let mut mine = TopicPartitionList::new();
        for one in list.elements() {
            // What went to another member meanwhile was committed then.
            if ours
                .as_ref()
                .is_some_and(|ours| ours.contains(&one.partition()))
            {
                let _ = mine.add_partition_offset(one.topic(), one.partition(), one.offset());
            }
        }
        drop(ours);
        let committed = within(CLOSE, move || match mine.count() {
            0 => Ok(()),
            _ => consumer.commit(&mine, CommitMode::Sync),
        });
        let left = self.leave();
        match committed {
            Some(Ok(())) => left,
            Some(Err(error)) if error.rdkafka_error_code().is_some_and(denied) => {
                Err(Failure::NotAllowed(doing))
            }
            Some(Err(error)) => Err(doing.refused(format!("{error}; it will be read again"))),
            None => Err(doing.refused("Kafka does not answer; it will be read again")),
        }
    }

    /// Closes the consumer, in a thread that is left behind if it takes long:
    /// it waits for a coordinator that may be down.
    fn leave(self) -> Result<(), Failure> {
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

/// What `work` gives, unless it takes longer than `patience`.
fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, done) = sync_channel(1);
    std::thread::spawn(move || {
        // Nobody waits any more: the program ends.
        let _ = tell.send(work());
    });
    done.recv_timeout(patience).ok()
}

fn config(connection: &Connection, reading: &Reading) -> ClientConfig {
    let settings = &connection.settings;
    let mut config = connection::config(settings);
    let (group, reset) = match &reading.begin {
        // librdkafka wants a name, though nothing is asked of the group.
        Begin::Alone { .. } => ("millstream-consume", "error"),
        Begin::Group { group, earliest } => {
            let reset = if *earliest { "earliest" } else { "latest" };
            (group.as_str(), reset)
        }
    };
    let isolation = match reading.uncommitted {
        true => "read_uncommitted",
        false => "read_committed",
    };
    let grouped = matches!(reading.begin, Begin::Group { .. });
    config
        .set("group.id", group)
        .set("auto.offset.reset", reset)
        .set("isolation.level", isolation)
        .set("enable.partition.eof", "true")
        .set("allow.auto.create.topics", "false")
        // Commits what was shown, once a second and when partitions go to
        // others; what was not is never stored.
        .set("enable.auto.commit", grouped.to_string())
        .set("enable.auto.offset.store", "false")
        .set("auto.commit.interval.ms", "1000");
    let mut or = |name: &str, value: &str| {
        if !settings.properties.contains_key(name) {
            config.set(name, value);
        }
    };
    // Measured: the default of 1 s stalls a fast reader to a third.
    or("fetch.queue.backoff.ms", "2");
    // A killed one is not waited for as long as the default of 45 s.
    or("session.timeout.ms", "10000");
    config
}

fn record(message: &BorrowedMessage<'_>) -> OwnedRecord {
    let own = |(name, value): (&[u8], Option<&[u8]>)| (name.to_vec(), value.map(<[u8]>::to_vec));
    OwnedRecord {
        origin: TopicPartition {
            topic: message.topic().into(),
            partition: message.partition(),
        },
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().unwrap_or(-1),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers::of(message).map(own).collect(),
    }
}
