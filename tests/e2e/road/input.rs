//! The records of a run: notifications for many clients, 1% of them malformed.

use super::{CLIENTS, PARTITIONS, records};
use millstream_tests::{Consumed, Message, create_topic, produce, read_all, unique};

/// A record as it is in Kafka.
pub struct Original {
    pub record: Consumed,
    /// `topic/partition/offset`
    pub source: String,
    pub good: bool,
}

/// The input of one run.
pub struct Input {
    pub topic: String,
    pub dead: String,
    /// Key prefix and consumer group.
    pub prefix: String,
    pub originals: Vec<Original>,
}

impl Input {
    /// With new, empty topics.
    pub fn new(name: &str) -> Input {
        let topic = create_topic(name, PARTITIONS);
        let dead = create_topic(&format!("{name}-dead"), 2);
        let (prefix, originals) = (unique(name), Vec::new());
        Input {
            topic,
            dead,
            prefix,
            originals,
        }
    }

    /// Produces all records to the topic.
    pub fn produce_all(&mut self) {
        self.produce(0..records());
        self.note();
    }

    /// Produces these records; [`Input::note`] must follow.
    pub fn produce(&self, numbers: std::ops::Range<usize>) {
        produce(&self.topic, numbers.map(message));
    }

    /// Reads back the topic's content, with its offsets.
    pub fn note(&mut self) {
        let original = |record: Consumed| {
            let source = format!("{}/{}/{}", self.topic, record.partition, record.offset);
            let good = record
                .value
                .as_ref()
                .is_some_and(|value| value.ends_with(b"}"));
            Original {
                record,
                source,
                good,
            }
        };
        self.originals = read_all(&self.topic).into_iter().map(original).collect();
    }
}

fn message(number: usize) -> Message {
    let client = number % CLIENTS;
    let good = number % 100 != 99;
    let value = format!(
        r#"{{"eventId":"e-{number}","eventType":"order.shipped","clientId":"client-{client}","notificationId":"n-{number}","message":"Your order {number} is on its way to you","correlationId":"c-{number}","requestedDateTime":"2026-11-21T08:00:00Z"{}"#,
        if good { "}" } else { ", \u{1}" }
    );
    Message::new(value.as_bytes())
        .key(format!("client-{client}").as_bytes())
        .partition((client % PARTITIONS as usize) as i32)
        .header("trace", b"\x00\xff\x10")
        .header("trace", format!("{number}").as_bytes())
        .header("empty", b"")
}
