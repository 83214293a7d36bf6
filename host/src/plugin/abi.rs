//! The generated bindings of `wit/plugin.wit`, one module per world.

/// Bindings of `transform-plugin`, and the shared types.
pub(super) mod transform {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "transform-plugin",
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

/// Bindings of `stateful-transform-plugin`.
pub(super) mod stateful {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "stateful-transform-plugin",
        ownership: Borrowing { duplicate_if_necessary: false },
        with: {
            "millstream:plugin/types": super::transform::millstream::plugin::types,
            "millstream:plugin/diagnostics": super::transform::millstream::plugin::diagnostics,
            "millstream:plugin/log": super::transform::millstream::plugin::log,
            "millstream:plugin/clock": super::transform::millstream::plugin::clock,
        },
    });
}

/// Bindings of `route-plugin`.
pub(super) mod route {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "route-plugin",
        ownership: Borrowing { duplicate_if_necessary: false },
        with: {
            "millstream:plugin/types": super::transform::millstream::plugin::types,
            "millstream:plugin/diagnostics": super::transform::millstream::plugin::diagnostics,
            "millstream:plugin/log": super::transform::millstream::plugin::log,
            "millstream:plugin/clock": super::transform::millstream::plugin::clock,
        },
    });
}

/// Bindings of `dead-letter-plugin`.
pub(super) mod dead_letter {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "dead-letter-plugin",
        ownership: Borrowing { duplicate_if_necessary: false },
        with: {
            "millstream:plugin/types": super::transform::millstream::plugin::types,
            "millstream:plugin/diagnostics": super::transform::millstream::plugin::diagnostics,
            "millstream:plugin/log": super::transform::millstream::plugin::log,
            "millstream:plugin/clock": super::transform::millstream::plugin::clock,
        },
    });
}

pub(super) use transform::millstream::plugin::types::{Event, Header, KafkaRecord, Origin, Span};
pub(super) use transform::millstream::plugin::{clock, diagnostics, log};

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

/// A batch's records as they cross the boundary; the arena is passed unchanged.
pub(super) struct Lowered {
    pub origin: Origin,
    pub records: Vec<KafkaRecord>,
    pub headers: Vec<Header>,
}

impl Lowered {
    pub fn new(batch: &record::Batch, range: std::ops::Range<usize>) -> Lowered {
        let record = |r: &record::KafkaRecord| KafkaRecord {
            offset: r.offset,
            timestamp: r.timestamp,
            key: r.key.into(),
            value: r.value.into(),
            first_header: r.first_header,
            header_count: r.header_count,
        };
        let header = |h: &record::Header| Header {
            name: h.name.into(),
            value: h.value.into(),
        };
        Lowered {
            origin: Origin {
                topic: batch.topic.into(),
                partition: batch.origin.partition,
            },
            records: batch.records[range].iter().map(record).collect(),
            headers: batch.headers.iter().map(header).collect(),
        }
    }
}
