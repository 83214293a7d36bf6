//! The contract, `wit/plugin.wit`, as the host uses it.

mod export;
mod flat;
mod imports;
mod types;

pub(super) use export::{Export, Exports, Functions};
#[cfg(test)]
pub(super) use flat::List;
pub(super) use flat::Slice;
pub(super) use imports::{clock, diagnostics, log};
pub(super) use types::{
    Event, Header, KafkaRecord, Origin, Span, dead_letter, route, stateful, transform,
};

use crate::record;

/// The contract's number of an address kind.
pub(super) fn address_kind(to: record::StreamKind) -> u32 {
    match to {
        record::StreamKind::Client => 0,
        record::StreamKind::Group => 1,
    }
}

/// The addressee of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addressee {
    /// A client or a group.
    Stream(record::StreamKind),
    /// The client that owns a task.
    Task,
}

impl Addressee {
    /// By the contract's number; `None` if this version does not know it.
    pub fn of(address_kind: u32) -> Option<Addressee> {
        match address_kind {
            0 => Some(Addressee::Stream(record::StreamKind::Client)),
            1 => Some(Addressee::Stream(record::StreamKind::Group)),
            2 => Some(Addressee::Task),
            _ => None,
        }
    }

    /// What the address is called in messages.
    pub fn what(self) -> &'static str {
        match self {
            Addressee::Stream(record::StreamKind::Client) => "client id",
            Addressee::Stream(record::StreamKind::Group) => "group name",
            Addressee::Task => "task id",
        }
    }
}

impl From<record::Span> for Span {
    fn from(span: record::Span) -> Span {
        Span {
            start: span.start,
            length: span.length,
        }
    }
}

impl From<Span> for record::Span {
    fn from(span: Span) -> record::Span {
        record::Span {
            start: span.start,
            length: span.length,
        }
    }
}

/// The arguments about a call's records: the arena, where they are from, the records and
/// their headers.
pub(super) type Call<'a> = (
    Slice<'a, u8>,
    Origin,
    Slice<'a, record::KafkaRecord>,
    Slice<'a, record::Header>,
);

/// Those of some of a batch's records.
pub(super) fn call_with(batch: &record::Batch, range: std::ops::Range<usize>) -> Call<'_> {
    let origin = Origin {
        topic: batch.topic.into(),
        partition: batch.origin.partition,
    };
    (
        Slice(&batch.arena),
        origin,
        Slice(&batch.records[range]),
        Slice(&batch.headers),
    )
}
