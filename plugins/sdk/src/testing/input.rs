//! Test records, and the batch that they form.

use crate::abi::{Header, KafkaRecord, Origin, Span};

/// A test record. Its topic is `topic`, its partition 0, its offset its index
/// in the test.
#[derive(Clone, Debug, Default)]
pub struct TestRecord {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    timestamp: Option<i64>,
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
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> TestRecord {
        self.headers
            .push((name.into(), Some(value.as_ref().to_vec())));
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
        let origin = Origin {
            topic: Span::push(&mut arena, b"topic"),
            partition: 0,
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
        flat
    }

    fn push(&mut self, record: &TestRecord) {
        let first_header = self.headers.len() as u32;
        for (name, value) in &record.headers {
            let name = Span::push(&mut self.arena, name.as_bytes());
            let value = Span::push_option(&mut self.arena, value.as_deref());
            self.headers.push(Header { name, value });
        }
        self.records.push(KafkaRecord {
            offset: self.records.len() as i64,
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
