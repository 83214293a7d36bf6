use super::{Consumed, Kafka};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const ANSWER: Duration = Duration::from_secs(30);

impl Kafka {
    /// Every record of the topic up to its end as it is now, partition by partition, in order.
    pub fn read_all(&self, topic: &str) -> Vec<Consumed> {
        let consumer = self.reader();
        let mut open = self.partitions(topic);
        consumer.assign(&from_beginning(topic, &open)).unwrap();
        let mut records = Vec::new();
        let mut heard = Instant::now();
        while !open.is_empty() {
            assert!(heard.elapsed() < ANSWER, "reading {topic}: no answer");
            match consumer.poll(Duration::from_millis(100)) {
                None => {}
                Some(Err(error)) if is_passing(&error) => {}
                Some(answer) => {
                    heard = Instant::now();
                    take(answer, topic, &mut records, &mut open);
                }
            }
        }
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }

    fn reader(&self) -> BaseConsumer {
        let mut config = self.client();
        config.set("group.id", "harness"); // asked for, never joined
        config.set("enable.auto.commit", "false");
        config.set("enable.partition.eof", "true");
        config.set("fetch.wait.max.ms", "10"); // an end is told after one wait
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

/// A node went away: librdkafka asks the next one.
fn is_passing(error: &KafkaError) -> bool {
    let away = [
        RDKafkaErrorCode::BrokerTransportFailure,
        RDKafkaErrorCode::AllBrokersDown,
    ];
    error
        .rdkafka_error_code()
        .is_some_and(|code| away.contains(&code))
}

fn take(
    answer: Result<BorrowedMessage<'_>, KafkaError>,
    topic: &str,
    records: &mut Vec<Consumed>,
    open: &mut BTreeSet<i32>,
) {
    match answer {
        Ok(message) => records.push(consumed(&message)),
        Err(KafkaError::PartitionEOF(partition)) => _ = open.remove(&partition),
        Err(error) => panic!("reading {topic}: {error}"),
    }
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
