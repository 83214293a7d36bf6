use super::{Consumed, Kafka};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const ANSWER: Duration = Duration::from_secs(30);

impl Kafka {
    /// Every record of the topic up to its present end, partition by partition, in order.
    pub fn read_all(&self, topic: &str) -> Vec<Consumed> {
        let mut records = Vec::new();
        self.read_each(topic, |record| records.push(record));
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }

    /// Calls `take` with every record of the topic up to its present end. The records of a
    /// partition are in order, the partitions mixed.
    pub fn read_each(&self, topic: &str, mut take: impl FnMut(Consumed)) {
        self.each(topic, |message| take(consumed(message)));
    }

    /// Like [`Kafka::read_each`], with librdkafka's messages.
    pub(super) fn each(&self, topic: &str, mut note: impl FnMut(&BorrowedMessage<'_>)) {
        let consumer = self.reader();
        let mut open = self.partitions(topic);
        consumer.assign(&from_beginning(topic, &open)).unwrap();
        let mut heard = Instant::now();
        while !open.is_empty() {
            assert!(heard.elapsed() < ANSWER, "reading {topic}: no answer");
            let answer = match consumer.poll(Duration::from_millis(100)) {
                None => continue,
                Some(Err(error)) if is_passing(&error) => continue,
                Some(answer) => answer,
            };
            heard = Instant::now();
            match answer {
                Ok(message) => note(&message),
                Err(KafkaError::PartitionEOF(partition)) => _ = open.remove(&partition),
                Err(error) => panic!("reading {topic}: {error}"),
            }
        }
    }

    /// The offset after the last record, for each partition.
    pub fn ends(&self, topic: &str) -> BTreeMap<i32, i64> {
        let consumer = self.reader();
        let end = |partition: i32| {
            let watermarks = consumer.fetch_watermarks(topic, partition, ANSWER);
            (partition, watermarks.unwrap().1)
        };
        self.partitions(topic).into_iter().map(end).collect()
    }

    fn reader(&self) -> BaseConsumer {
        let mut config = self.client();
        config.set("group.id", "harness"); // required, but never joined
        config.set("enable.auto.commit", "false");
        config.set("enable.partition.eof", "true");
        config.set("fetch.wait.max.ms", "10"); // the end of a partition is reported after one wait
        config.set("fetch.queue.backoff.ms", "2");
        config.create().unwrap()
    }
}

fn from_beginning(topic: &str, partitions: &BTreeSet<i32>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition_offset(topic, *partition, Offset::Beginning)
            .unwrap();
    }
    list
}

/// Whether a node went away: librdkafka then asks the next one.
fn is_passing(error: &KafkaError) -> bool {
    let away = [
        RDKafkaErrorCode::BrokerTransportFailure,
        RDKafkaErrorCode::AllBrokersDown,
    ];
    error
        .rdkafka_error_code()
        .is_some_and(|code| away.contains(&code))
}

fn consumed(message: &BorrowedMessage<'_>) -> Consumed {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        let owned = |h: rdkafka::message::Header<'_, &[u8]>| {
            (h.key.to_owned(), h.value.map(<[u8]>::to_vec))
        };
        headers.iter().map(owned).collect()
    });
    Consumed {
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().unwrap_or(-1),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}
