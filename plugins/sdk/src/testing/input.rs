//! Test records, and the batch that they form.

use crate::abi::{Header, KafkaRecord, Origin, Span};

/// A test record. Without [`TestRecord::at`] its topic is `topic`, its partition
/// 0, its offset its index in the test.
#[derive(Clone, Debug, Default)]
pub struct TestRecord {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    timestamp: Option<i64>,
    at: Option<(String, i32, i64)>,
}

impl TestRecord {
    /// A record with this value and nothing else.
    pub fn value(value: impl AsRef<[u8]>) -> TestRecord {
        TestRecord {
            value: Some(value.as_ref().to_vec()),
            ..TestRecord::default()
        }
    }

    /// A record without a value.
    pub fn tombstone() -> TestRecord {
        TestRecord::default()
    }

    /// Sets its key.
    pub fn key(mut self, key: impl AsRef<[u8]>) -> TestRecord {
        self.key = Some(key.as_ref().to_vec());
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> TestRecord {
        let header = (name.as_ref().to_vec(), Some(value.as_ref().to_vec()));
        self.headers.push(header);
        self
    }

    /// Adds a header without a value.
    pub fn header_without_value(mut self, name: impl AsRef<[u8]>) -> TestRecord {
        self.headers.push((name.as_ref().to_vec(), None));
        self
    }

    /// Sets where it is in Kafka: its topic, partition and offset. All records of
    /// a batch are of one partition: that of the first.
    pub fn at(mut self, topic: &str, partition: i32, offset: i64) -> TestRecord {
        self.at = Some((topic.into(), partition, offset));
        self
    }

    /// Sets its timestamp, in milliseconds since 1970-01-01 UTC.
    pub fn timestamp(mut self, millis: i64) -> TestRecord {
        self.timestamp = Some(millis);
        self
    }
}

/// A batch in the boundary's format.
pub(super) struct Flat {
    pub arena: Vec<u8>,
    pub origin: Origin,
    pub records: Vec<KafkaRecord>,
    pub headers: Vec<Header>,
}

impl Flat {
    pub(super) fn new<'a>(records: impl IntoIterator<Item = &'a TestRecord>) -> Flat {
        let mut arena = Vec::new();
        let mut records = records.into_iter().peekable();
        let first = records.peek().and_then(|record| record.at.as_ref());
        let (topic, partition) = first.map_or(("topic", 0), |(topic, partition, _)| {
            (topic.as_str(), *partition)
        });
        let origin = Origin {
            topic: Span::push(&mut arena, topic.as_bytes()),
            partition,
        };
        let mut flat = Flat {
            arena,
            origin,
            records: Vec::new(),
            headers: Vec::new(),
        };
        for record in records {
            flat.push(record);
        }
        #[cfg(not(target_arch = "wasm32"))]
        crate::clock::native::begin(-1, &flat.records);
        flat
    }

    fn push(&mut self, record: &TestRecord) {
        let first_header = self.headers.len() as u32;
        let offset = record.at.as_ref().map(|(_, _, offset)| *offset);
        for (name, value) in &record.headers {
            let name = Span::push(&mut self.arena, name);
            let value = Span::push_option(&mut self.arena, value.as_deref());
            self.headers.push(Header { name, value });
        }
        self.records.push(KafkaRecord {
            offset: offset.unwrap_or(self.records.len() as i64),
            timestamp: record.timestamp.unwrap_or(-1),
            key: Span::push_option(&mut self.arena, record.key.as_deref()),
            value: Span::push_option(&mut self.arena, record.value.as_deref()),
            first_header,
            header_count: record.headers.len() as u32,
        });
    }
}

pub(super) fn owned(span: Span, arena: &[u8]) -> String {
    String::from_utf8(span.of(arena).unwrap_or_default().to_vec())
        .expect("the contract asks for UTF-8 here, and the host refuses anything else")
}
