//! A Kafka record, as a plugin sees it: borrowed from the call's arena.

use crate::abi::{Header, KafkaRecord, Origin, Span};
use crate::{Failure, json};
use serde::Deserialize;

impl Span {
    /// The span of an absent value.
    pub const ABSENT: Span = Span {
        start: u32::MAX,
        length: 0,
    };

    #[inline]
    pub(crate) fn of(self, arena: &[u8]) -> Option<&[u8]> {
        if self.start == u32::MAX {
            return None;
        }
        arena
            .get(self.start as usize..)?
            .get(..self.length as usize)
    }

    #[inline]
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

/// A Kafka record. Its methods borrow from the batch and copy nothing.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    pub(crate) arena: &'a [u8],
    pub(crate) origin: Origin,
    pub(crate) record: &'a KafkaRecord,
    pub(crate) headers: &'a [Header],
}

impl<'a> Record<'a> {
    /// The topic that it was read from.
    pub fn topic(&self) -> &'a str {
        text(self.origin.topic.of(self.arena))
    }

    /// The partition that it was read from.
    pub fn partition(&self) -> i32 {
        self.origin.partition
    }

    /// Its offset in that partition.
    pub fn offset(&self) -> i64 {
        self.record.offset
    }

    /// Its timestamp, in milliseconds since 1970-01-01 UTC; `None` if Kafka has
    /// none. It may be less than that of the record before: see [`clock`](crate::clock).
    pub fn timestamp(&self) -> Option<i64> {
        (self.record.timestamp >= 0).then_some(self.record.timestamp)
    }

    /// The key, or `None` if it is absent.
    #[inline]
    pub fn key(&self) -> Option<&'a [u8]> {
        self.record.key.of(self.arena)
    }

    /// The value, or `None` for a tombstone. Absent is not empty.
    #[inline]
    pub fn value(&self) -> Option<&'a [u8]> {
        self.record.value.of(self.arena)
    }

    /// The names and values of the headers, in order; a name may repeat.
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

    /// The value of the last header with this name, as in Kafka's clients;
    /// `None` if there is none or its value is absent.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().filter(|(n, _)| *n == name).last()?.1
    }

    /// Parses the value as JSON into `T`, which may borrow from the record
    /// (`&'a str` fields; use `Cow<'a, str>` with `#[serde(borrow)]` if a
    /// string may have escapes).
    ///
    /// # Errors
    /// `malformed`, with the reason and the byte; also for a tombstone.
    pub fn json<T: Deserialize<'a>>(&self) -> Result<T, Failure> {
        match self.value() {
            Some(value) => json::parse(value),
            None => Err(Failure::malformed("the record has no value (a tombstone)")),
        }
    }
}

/// The host sends UTF-8 wherever the contract requires it.
pub(crate) fn text(bytes: Option<&[u8]>) -> &str {
    std::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
}
