//! Consecutive records of one partition, stored in one arena.

use super::Span;
use std::fmt;
use std::sync::Arc;

/// A partition's time before the first record with a timestamp.
pub const NO_TIME: i64 = -1;

/// One partition of one topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// A Kafka record: numbers, and spans into its batch's arena.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KafkaRecord {
    /// The record's offset in its partition.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC, -1 where Kafka has none.
    pub timestamp: i64,
    /// Bytes, or absent.
    pub key: Span,
    /// Bytes, or absent (a tombstone).
    pub value: Span,
    /// The first of its headers in the batch's list.
    pub first_header: u32,
    /// How many headers it has.
    pub header_count: u32,
}

/// A header: its name's and its value's span. Names may repeat.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// Bytes: UTF-8 by convention, but a producer may write anything.
    pub name: Span,
    /// Bytes, or absent.
    pub value: Span,
}

/// Consecutive records of one partition, processed and stored as one. Offsets
/// increase and may have gaps (compaction, transactions).
#[derive(Debug)]
pub struct Batch {
    /// Where the records came from.
    pub origin: TopicPartition,
    /// The topic's name in the arena.
    pub topic: Span,
    /// All the bytes.
    pub arena: Vec<u8>,
    /// The records, in order.
    pub records: Vec<KafkaRecord>,
    /// Every record's headers, one after another.
    pub headers: Vec<Header>,
    /// The partition's time before the first record; see [`Batch::clocks`].
    pub clock: i64,
}

impl Batch {
    /// An empty batch.
    pub fn new(origin: TopicPartition) -> Batch {
        let mut arena = Vec::new();
        let topic = Span::push(&mut arena, origin.topic.as_bytes());
        Batch {
            origin,
            topic,
            arena,
            records: Vec::new(),
            headers: Vec::new(),
            clock: NO_TIME,
        }
    }

    /// The partition's time after `count` records of this batch: the largest
    /// timestamp of its records so far, in milliseconds since 1970-01-01 UTC, or
    /// [`NO_TIME`].
    pub fn clock_after(&self, count: usize) -> i64 {
        self.clocks().take(count).last().unwrap_or(self.clock)
    }

    /// The partition's time at each record of this batch.
    pub fn clocks(&self) -> impl Iterator<Item = i64> {
        self.records.iter().scan(self.clock, |clock, record| {
            // "Never" is later than any record says.
            *clock = record.timestamp.min(i64::MAX - 1).max(*clock);
            Some(*clock)
        })
    }

    /// Appends a copy of one record. `headers` yields names and values, in order.
    pub fn push<'a>(
        &mut self,
        offset: i64,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) {
        let first_header = self.headers.len() as u32;
        for (name, value) in headers {
            self.push_header(name, value);
        }
        self.records.push(KafkaRecord {
            offset,
            timestamp,
            key: Span::push_option(&mut self.arena, key),
            value: Span::push_option(&mut self.arena, value),
            first_header,
            header_count: self.headers.len() as u32 - first_header,
        });
    }

    /// Appends a copy of a header, for the record that is pushed next.
    pub fn push_header(&mut self, name: &[u8], value: Option<&[u8]>) {
        let name = Span::push(&mut self.arena, name);
        let value = Span::push_option(&mut self.arena, value);
        self.headers.push(Header { name, value });
    }

    /// Copies the records at these indices into a new batch.
    pub fn subset(&self, indices: impl Iterator<Item = usize>) -> Batch {
        let mut subset = Batch::new(self.origin.clone());
        subset.clock = self.clock;
        for index in indices {
            let view = self.view(index);
            let KafkaRecord {
                offset, timestamp, ..
            } = *view.record;
            subset.push(offset, timestamp, view.key(), view.value(), view.headers());
        }
        subset
    }

    /// Record `index` with its bytes.
    pub fn view(&self, index: usize) -> RecordView<'_> {
        RecordView {
            batch: self,
            record: &self.records[index],
        }
    }
}

/// One record of a batch, with access to its bytes.
#[derive(Clone, Copy)]
pub struct RecordView<'a> {
    batch: &'a Batch,
    /// Its numbers and spans.
    pub record: &'a KafkaRecord,
}

impl<'a> RecordView<'a> {
    /// The key, or `None` where it is absent.
    pub fn key(&self) -> Option<&'a [u8]> {
        self.record.key.of(&self.batch.arena)
    }

    /// The value, or `None` for a tombstone.
    pub fn value(&self) -> Option<&'a [u8]> {
        self.record.value.of(&self.batch.arena)
    }

    /// The headers' names and values, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let first = self.record.first_header as usize;
        let arena = &self.batch.arena;
        self.batch.headers[first..first + self.record.header_count as usize]
            .iter()
            .map(|header| {
                (
                    header.name.of(arena).unwrap_or_default(),
                    header.value.of(arena),
                )
            })
    }

    /// The size of key, value and headers together, in bytes.
    pub fn size(&self) -> usize {
        let headers: usize = self
            .headers()
            .map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len))
            .sum();
        (self.record.key.length + self.record.value.length) as usize + headers
    }
}
