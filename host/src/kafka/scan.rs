//! Reads topics once, from a start to their current end, without a consumer
//! group.
//!
//! Partitions are read one after another, each in order, and librdkafka's small
//! queue bounds what is prefetched. Records written meanwhile are not read, so a
//! scan ends.

use super::KafkaSettings;
use crate::kafka::reader::reading::record;
use crate::record::{OwnedRecord, TopicPartition};
use anyhow::{Context as _, bail};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::metadata::MetadataPartition;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The time limit for a query. With the connection's own time-outs, a wrong
/// address is an error within five seconds.
const ASK: Duration = Duration::from_secs(4);
/// How long a partition may deliver nothing before its end.
const SILENCE: Duration = Duration::from_secs(20);
/// How long one call of [`Scan::look`] waits, so that its caller can stop.
const LOOK: Duration = Duration::from_millis(100);

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Range {
    /// Only the partitions with this number.
    pub partition: Option<i32>,
    /// Only the record at this offset.
    pub offset: Option<i64>,
    /// From the first record at or after this time (ms). Records are not always
    /// in the order of their times, so older ones may follow.
    pub since: Option<i64>,
}

/// A running scan.
pub struct Scan {
    consumer: BaseConsumer<Quiet>,
    /// The bootstrap servers, for messages.
    servers: String,
    open: VecDeque<Part>,
    /// Whether the first of `open` is being fetched.
    fetching: bool,
    /// How long calls have waited for it in vain; the time between calls does not
    /// count.
    silent: Duration,
}

/// A partition that is not read to its end yet.
struct Part {
    partition: TopicPartition,
    from: i64,
    end: i64,
}

/// The result of [`Scan::look`].
pub enum Look {
    /// A record.
    Record(Box<OwnedRecord>),
    /// Nothing yet.
    Nothing,
    /// Everything was read.
    End,
}

/// Logs nothing above debug level: relevant errors are returned.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "Kafka");
    }
}

impl ConsumerContext for Quiet {}

impl Scan {
    /// A scan without topics yet.
    ///
    /// # Errors
    /// When librdkafka rejects the properties.
    pub fn connect(kafka: &KafkaSettings) -> anyhow::Result<Scan> {
        let consumer = kafka.reader().create_with_context(Quiet);
        Ok(Scan {
            consumer: consumer.context("librdkafka rejected the Kafka properties")?,
            servers: kafka.bootstrap_servers.clone(),
            open: VecDeque::new(),
            fetching: false,
            silent: Duration::ZERO,
        })
    }

    /// Adds a topic's partitions, up to their current ends. Returns false if the
    /// topic does not exist.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn add(&mut self, topic: &str, range: &Range) -> anyhow::Result<bool> {
        let Some(mut partitions) = self.partitions(topic)? else {
            return Ok(false);
        };
        partitions.retain(|number| range.partition.is_none_or(|one| one == *number));
        for number in partitions {
            let partition = TopicPartition {
                topic: topic.into(),
                partition: number,
            };
            let part = self.part(partition, range)?;
            self.open.extend((part.from < part.end).then_some(part));
        }
        Ok(true)
    }

    /// Whether the topic exists.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn has(&self, topic: &str) -> anyhow::Result<bool> {
        Ok(self.partitions(topic)?.is_some())
    }

    /// The numbers of a topic's partitions; `None` if the topic does not exist.
    fn partitions(&self, topic: &str) -> anyhow::Result<Option<Vec<i32>>> {
        let metadata = self.consumer.fetch_metadata(Some(topic), ASK);
        let metadata = metadata.map_err(|error| self.unanswered(&error))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let Some(found) = found else { return Ok(None) };
        match found.error().map(RDKafkaErrorCode::from) {
            None => {}
            Some(RDKafkaErrorCode::UnknownTopicOrPartition) => return Ok(None),
            Some(error) => bail!("can't read the partitions of topic {topic}: {error}"),
        }
        let mut numbers: Vec<_> = found
            .partitions()
            .iter()
            .map(MetadataPartition::id)
            .collect();
        numbers.sort_unstable();
        Ok(Some(numbers))
    }

    /// The error for a query that Kafka did not answer.
    fn unanswered(&self, error: &KafkaError) -> anyhow::Error {
        let why = match error.rdkafka_error_code() {
            Some(code) => code.to_string(),
            None => error.to_string(),
        };
        anyhow::anyhow!(
            "no answer from Kafka at {} ({why}); check [kafka] bootstrap-servers and properties",
            self.servers
        )
    }

    fn part(&self, partition: TopicPartition, range: &Range) -> anyhow::Result<Part> {
        let TopicPartition {
            topic,
            partition: number,
        } = &partition;
        let asked = self.consumer.fetch_watermarks(topic, *number, ASK);
        let (low, high) = asked.map_err(|error| self.unanswered(&error))?;
        let (mut from, mut end) = (low, high);
        if let Some(millis) = range.since {
            from = self.at_time(&partition, millis)?.unwrap_or(high).max(low);
        }
        if let Some(offset) = range.offset {
            (from, end) = (from.max(offset), end.min(offset.saturating_add(1)));
        }
        Ok(Part {
            partition,
            from,
            end,
        })
    }

    fn at_time(&self, partition: &TopicPartition, millis: i64) -> anyhow::Result<Option<i64>> {
        // Negative offsets have special meanings in librdkafka, and no record is
        // older than 1970.
        let time = Offset::Offset(millis.max(0));
        let asked = { list_of(partition, time) }.and_then(|list| {
            let list = self.consumer.offsets_for_times(list, ASK)?;
            Ok(list.elements().first().map(TopicPartitionListElem::offset))
        });
        match asked.map_err(|error| self.unanswered(&error))? {
            Some(Offset::Offset(offset)) => Ok(Some(offset)),
            _ => Ok(None),
        }
    }

    /// How many offsets are left to read: records, and the gaps between them.
    pub fn left(&self) -> u64 {
        let count = |part: &Part| (part.end - part.from).max(0).cast_unsigned();
        self.open.iter().map(count).sum()
    }

    /// Polls for the next record; returns soon.
    ///
    /// # Errors
    /// When a partition delivers nothing for too long, or can't be read.
    pub fn look(&mut self) -> anyhow::Result<Look> {
        let Some(part) = self.open.front_mut() else {
            return Ok(Look::End);
        };
        if !self.fetching {
            let list = list_of(&part.partition, Offset::Offset(part.from))?;
            self.consumer.assign(&list)?;
            (self.fetching, self.silent) = (true, Duration::ZERO);
        }
        let began = Instant::now();
        let Some(answer) = self.consumer.poll(LOOK) else {
            self.silent += began.elapsed();
            return part.still_silent(self.silent).map(|()| Look::Nothing);
        };
        self.silent = Duration::ZERO;
        let record = part.take(answer)?;
        if part.from >= part.end {
            self.open.pop_front();
            self.fetching = false;
        }
        Ok(record.map_or(Look::Nothing, |record| Look::Record(Box::new(record))))
    }
}

impl Part {
    /// Advances by Kafka's answer. Returns the record if it is in the range.
    ///
    /// Assigning this partition dropped everything that librdkafka still held of
    /// the previous one, including its end.
    fn take(
        &mut self,
        answer: Result<BorrowedMessage, KafkaError>,
    ) -> anyhow::Result<Option<OwnedRecord>> {
        match answer {
            Ok(message) if !self.is_of(&message) => Ok(None),
            Ok(message) => {
                let offset = message.offset();
                let is_one = (self.from..self.end).contains(&offset);
                self.from = self.from.max(offset + 1);
                Ok(is_one.then(|| record(&message)))
            }
            // After the last record only transaction markers are left.
            Err(KafkaError::PartitionEOF(_)) => {
                self.from = self.end;
                Ok(None)
            }
            Err(error) if is_passing(&error) => Ok(None),
            Err(error) => bail!(
                "can't read {} from offset {}: {error}",
                self.partition,
                self.from
            ),
        }
    }

    fn is_of(&self, message: &BorrowedMessage) -> bool {
        let TopicPartition { topic, partition } = &self.partition;
        message.topic() == &**topic && message.partition() == *partition
    }

    fn still_silent(&self, silent: Duration) -> anyhow::Result<()> {
        let (partition, from) = (&self.partition, self.from);
        anyhow::ensure!(
            silent < SILENCE,
            "can't read {partition} from offset {from}: no records from Kafka for {} s",
            SILENCE.as_secs()
        );
        Ok(())
    }
}

fn list_of(partition: &TopicPartition, at: Offset) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&partition.topic, partition.partition, at)?;
    Ok(list)
}

/// Whether a broker went away: librdkafka tries the next one.
fn is_passing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure, OperationTimedOut};
    let code = error.rdkafka_error_code();
    let away = [AllBrokersDown, BrokerTransportFailure, OperationTimedOut];
    code.is_some_and(|code| away.contains(&code))
}
