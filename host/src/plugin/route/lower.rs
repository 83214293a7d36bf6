//! Converts events for a route: what it asked for, and no more.

use super::types::Needs;
use crate::plugin::abi::{
    Header, KafkaRecord, Origin, Span as WireSpan, address_kind, route as wire,
};
use crate::record::{Batch, Event, Events, Span};
use std::ops::Range;

/// Bytes that most events have in their address and type.
const NAMES: usize = 48;

/// The arguments of a call.
pub(super) struct Lowered {
    pub arena: Vec<u8>,
    pub origin: Origin,
    pub records: Vec<KafkaRecord>,
    pub headers: Vec<Header>,
    pub events: Vec<wire::Event>,
}

impl Lowered {
    /// Lowers the events of `range`. `connected` covers all events, or is
    /// empty.
    pub fn new(
        needs: Needs,
        batch: &Batch,
        events: &Events,
        connected: &[bool],
        range: Range<usize>,
    ) -> Lowered {
        // A route that needs payloads receives the arena that contains them.
        let mut arena = match needs.payload {
            true => events.arena.clone(),
            false => Vec::with_capacity(NAMES * range.len()),
        };
        let origin = Origin {
            topic: Span::push(&mut arena, batch.origin.topic.as_bytes()).into(),
            partition: batch.origin.partition,
        };
        let mut lowered = Lowered {
            arena,
            origin,
            records: Vec::with_capacity(range.len()),
            headers: Vec::new(),
            events: Vec::with_capacity(range.len()),
        };
        let mut last = None;
        for index in range {
            let event = &events.list[index];
            if last.replace(event.record) != Some(event.record) {
                lowered.push_record(needs, batch, event.record as usize);
            }
            let connected = connected.get(index) == Some(&true);
            lowered.push_event(needs, events, event, connected);
        }
        lowered
    }

    fn push_event(&mut self, needs: Needs, events: &Events, event: &Event, connected: bool) {
        let arena = &mut self.arena;
        let mut place = |span: Span| -> WireSpan {
            match needs.payload {
                true => span.into(),
                false => Span::push(arena, events.bytes(span)).into(),
            }
        };
        let (address, event_type) = (place(event.name), place(event.kind));
        let payload = match needs.payload {
            true => event.payload,
            false => Span::ABSENT,
        };
        self.events.push(wire::Event {
            record: self.records.len() as u32 - 1,
            connected: u32::from(connected),
            address_kind: address_kind(event.to),
            address,
            event_type,
            payload: payload.into(),
        });
    }

    fn push_record(&mut self, needs: Needs, batch: &Batch, index: usize) {
        let view = batch.view(index);
        let first_header = self.headers.len() as u32;
        let mut key = Span::ABSENT;
        if needs.record {
            key = Span::push_option(&mut self.arena, view.key());
            for (name, value) in view.headers() {
                let name = Span::push(&mut self.arena, name).into();
                let value = Span::push_option(&mut self.arena, value).into();
                self.headers.push(Header { name, value });
            }
        }
        self.records.push(KafkaRecord {
            offset: view.record.offset,
            timestamp: view.record.timestamp,
            key: key.into(),
            value: Span::ABSENT.into(),
            first_header,
            header_count: self.headers.len() as u32 - first_header,
        });
    }
}
