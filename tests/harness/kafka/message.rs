/// A record to produce. Absent is not empty: without a value it is a tombstone.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// `None`: librdkafka chooses by the key.
    pub partition: Option<i32>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Milliseconds since 1970; `None`: now.
    pub timestamp: Option<i64>,
}

impl Message {
    /// A record with only a value.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        let value = Some(value.into());
        Message {
            value,
            ..Message::default()
        }
    }

    /// A record with a key and no value.
    pub fn tombstone(key: impl Into<Vec<u8>>) -> Self {
        Message::default().key(key)
    }

    /// The same record with this key.
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The same record for this partition.
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// The same record with one more header.
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), Some(value.into())));
        self
    }
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumed {
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Consumed {
    /// The value as text; empty if absent.
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.value.as_deref().unwrap_or_default()).unwrap()
    }

    /// The first header of this name as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(header, _)| header == name)?;
        Some(std::str::from_utf8(value.as_deref().unwrap_or_default()).unwrap())
    }
}
