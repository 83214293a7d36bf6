//! A Kafka record, as a plugin sees it: borrowed from the call's arena.

use crate::abi::{Header, KafkaRecord, Origin, Span};
use crate::{Failure, json};
use serde::Deserialize;

impl Span {
    /// The span of something that isn't there.
    pub const ABSENT: Span = Span {
        start: u32::MAX,
        length: 0,
    };

    pub(crate) fn of(self, arena: &[u8]) -> Option<&[u8]> {
        if self.start == u32::MAX {
            return None;
        }
        arena
            .get(self.start as usize..)?
            .get(..self.length as usize)
    }

    pub(crate) fn push(arena: &mut Vec<u8>, bytes: &[u8]) -> Span {
        let start = arena.len() as u32;
        arena.extend_from_slice(bytes);
        Span {
            start,
            length: bytes.len() as u32,
        }
    }

    pub(crate) fn push_option(arena: &mut Vec<u8>, bytes: Option<&[u8]>) -> Span {
        bytes.map_or(Span::ABSENT, |bytes| Span::push(arena, bytes))
    }
}

/// A Kafka record. What it hands out borrows from the batch: nothing is copied.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    pub(crate) arena: &'a [u8],
    pub(crate) origin: Origin,
    pub(crate) record: &'a KafkaRecord,
    pub(crate) headers: &'a [Header],
}

impl<'a> Record<'a> {
    /// The topic it was read from.
    pub fn topic(&self) -> &'a str {
        text(self.origin.topic.of(self.arena))
    }

    /// The partition it was read from.
    pub fn partition(&self) -> i32 {
        self.origin.partition
    }

    /// Its offset in that partition.
    pub fn offset(&self) -> i64 {
        self.record.offset
    }

    /// Its timestamp, in milliseconds since 1970-01-01 UTC; `None` where Kafka
    /// has none. The only clock a plugin has.
    pub fn timestamp(&self) -> Option<i64> {
        (self.record.timestamp >= 0).then_some(self.record.timestamp)
    }

    /// The key, or `None` where it is absent.
    pub fn key(&self) -> Option<&'a [u8]> {
        self.record.key.of(self.arena)
    }

    /// The value, or `None` for a tombstone. Absent is not empty.
    pub fn value(&self) -> Option<&'a [u8]> {
        self.record.value.of(self.arena)
    }

    /// The headers' names and values, in order; a name may stand there twice.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> + use<'a> {
        let first = self.record.first_header as usize;
        let arena = self.arena;
        let own = self
            .headers
            .get(first..first + self.record.header_count as usize);
        own.unwrap_or_default()
            .iter()
            .map(move |h| (text(h.name.of(arena)), h.value.of(arena)))
    }

    /// The value of the last header of that name, as Kafka's clients look one
    /// up; `None` if there is none or its value is absent.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().filter(|(n, _)| *n == name).last()?.1
    }

    /// Reads the value as JSON into `T`, which may borrow from the record
    /// (`&'a str` fields; use `Cow<'a, str>` with `#[serde(borrow)]` where a
    /// string may hold escapes).
    ///
    /// # Errors
    /// `malformed`, saying why and at which byte; also for a tombstone.
    pub fn json<T: Deserialize<'a>>(&self) -> Result<T, Failure> {
        match self.value() {
            Some(value) => json::parse(value),
            None => Err(Failure::malformed("the record has no value (a tombstone)")),
        }
    }
}

/// The host sends UTF-8 wherever the contract says text.
pub(crate) fn text(bytes: Option<&[u8]>) -> &str {
    std::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
}
