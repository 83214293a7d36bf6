//! The route kind.

use super::abi::route::exports::millstream::plugin::route as wire;
use super::abi::route::{RoutePlugin, RoutePluginPre};
use super::abi::{Header, KafkaRecord, Origin, Span as WireSpan, address_kind};
use super::guest::{CallError, Guest, Program, Seat};
use crate::record::{Batch, Class, Events, Failure, Headers, Span, Stage};
use std::ops::Range;

/// A compiled route.
#[derive(Clone)]
pub struct Route {
    /// Its program.
    pub program: Program,
    pre: RoutePluginPre<super::limits::Guard>,
}

/// Whether an event goes to the stream of its client or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deliver {
    /// No.
    No,
    /// As the pipeline's `deliver` says.
    AsConfigured,
    /// Always.
    Always,
    /// Only while the client is connected; a group's always.
    WhileConnected,
}

/// A Kafka topic that an event goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToTopic {
    /// Its name.
    pub topic: String,
    /// The key there.
    pub key: Option<Vec<u8>>,
    /// The headers there.
    pub headers: Headers,
}

/// Where one event goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The stream.
    pub stream: Deliver,
    /// A topic.
    pub topic: Option<ToTopic>,
}

/// What the events of a batch became.
#[derive(Debug, Default)]
pub struct Routed {
    /// One for each event; `None` where its record failed.
    pub decisions: Vec<Option<Decision>>,
    /// Records that failed, in order, each once.
    pub failures: Vec<Failure>,
}

/// What a route asked to be told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// Whether clients are connected.
    pub connected: bool,
    payload: bool,
    record: bool,
}

impl Route {
    pub(super) fn new(program: Program) -> wasmtime::Result<Route> {
        let pre = RoutePluginPre::new(program.pre.clone())?;
        Ok(Route { program, pre })
    }

    fn start(&self) -> Result<(Guest<RoutePlugin>, wire::Needs), CallError> {
        Guest::start(
            &self.program,
            |store| self.pre.instantiate(store),
            |plugin, store, config| {
                plugin
                    .millstream_plugin_route()
                    .call_configure(store, config)
            },
        )
    }

    /// An instance of its own, configured.
    ///
    /// # Errors
    /// When it refuses its configuration, or can't be started.
    pub fn instance(&self) -> Result<RouteInstance, CallError> {
        let (guest, told) = self.start()?;
        let needs = Needs {
            connected: told.contains(wire::Needs::CONNECTED),
            payload: told.contains(wire::Needs::PAYLOAD),
            record: told.contains(wire::Needs::RECORD),
        };
        Ok(RouteInstance {
            kind: self.clone(),
            needs,
            seat: Seat(Some(guest)),
        })
    }
}

/// One worker's instance of a route.
pub struct RouteInstance {
    kind: Route,
    /// What it asked to be told.
    pub needs: Needs,
    seat: Seat<RoutePlugin>,
}

impl RouteInstance {
    /// Routes a batch's events. `connected` holds one entry an event where the
    /// plugin asked for it, and is empty otherwise.
    pub fn run(&mut self, batch: &Batch, events: &Events, connected: &[bool]) -> Routed {
        let mut routed = Routed::default();
        self.run_into(batch, events, connected, 0..events.list.len(), &mut routed);
        // A record is all or nothing.
        for (event, decision) in events.list.iter().zip(&mut routed.decisions) {
            if routed
                .failures
                .binary_search_by_key(&event.record, |f| f.record)
                .is_ok()
            {
                *decision = None;
            }
        }
        routed
    }

    fn run_into(
        &mut self,
        batch: &Batch,
        events: &Events,
        connected: &[bool],
        range: Range<usize>,
        routed: &mut Routed,
    ) {
        if range.is_empty() {
            return;
        }
        let answered = self.call(batch, events, connected, range.clone());
        let error = match answered {
            Ok(answer) if answer.decisions.len() == range.len() => {
                for (event, decision) in events.list[range].iter().zip(&answer.decisions) {
                    self.note(event.record, read(&answer, decision), routed);
                }
                return;
            }
            Ok(answer) => CallError::bad_output(format!(
                "it answered {} decisions for {} events",
                answer.decisions.len(),
                range.len()
            )),
            Err(error) => error,
        };
        let Range { start, end } = range;
        if end - start == 1 {
            self.note(
                events.list[start].record,
                Err((error.class, error.message)),
                routed,
            );
            return;
        }
        let middle = start + (end - start) / 2;
        self.run_into(batch, events, connected, start..middle, routed);
        self.run_into(batch, events, connected, middle..end, routed);
    }

    fn note(&self, record: u32, decided: Result<Decision, (Class, String)>, routed: &mut Routed) {
        routed.decisions.push(decided.as_ref().ok().cloned());
        if let Err((class, message)) = decided
            && routed
                .failures
                .last()
                .is_none_or(|last| last.record != record)
        {
            let failure = Failure::new(record, Stage::Route, class, message);
            routed.failures.push(self.kind.program.blame(failure));
        }
    }

    fn call(
        &mut self,
        batch: &Batch,
        events: &Events,
        connected: &[bool],
        range: Range<usize>,
    ) -> Result<wire::Answer, CallError> {
        let lowered = self.lower(batch, events, connected, range);
        let Lowered {
            arena,
            origin,
            records,
            headers,
            events,
        } = &lowered;
        self.seat.call(
            &self.kind.program,
            events.len(),
            || self.kind.start().map(|(guest, _)| guest),
            |plugin, store| {
                let plugin = plugin.millstream_plugin_route();
                plugin.call_run(store, arena, *origin, records, headers, events)
            },
        )
    }

    /// Lays out what the plugin asked for, and no more.
    fn lower(
        &self,
        batch: &Batch,
        events: &Events,
        connected: &[bool],
        range: Range<usize>,
    ) -> Lowered {
        let mut arena = if self.needs.payload {
            events.arena.clone()
        } else {
            Vec::new()
        };
        let origin = Origin {
            topic: Span::push(&mut arena, batch.origin.topic.as_bytes()).into(),
            partition: batch.origin.partition,
        };
        let mut lowered = Lowered {
            arena,
            origin,
            records: Vec::new(),
            headers: Vec::new(),
            events: Vec::new(),
        };
        let mut last = None;
        for (index, event) in events.list[range.clone()].iter().enumerate() {
            if last != Some(event.record) {
                last = Some(event.record);
                self.lower_record(batch, event.record as usize, &mut lowered);
            }
            let arena = &mut lowered.arena;
            let mut place = |span: Span| -> WireSpan {
                match self.needs.payload {
                    true => span.into(),
                    false => Span::push(arena, events.bytes(span)).into(),
                }
            };
            let (address, event_type) = (place(event.name), place(event.kind));
            let payload = if self.needs.payload {
                event.payload
            } else {
                Span::ABSENT
            };
            lowered.events.push(wire::Event {
                record: lowered.records.len() as u32 - 1,
                connected: u32::from(connected.get(range.start + index) == Some(&true)),
                address_kind: address_kind(event.to),
                address,
                event_type,
                payload: payload.into(),
            });
        }
        lowered
    }

    fn lower_record(&self, batch: &Batch, index: usize, lowered: &mut Lowered) {
        let view = batch.view(index);
        let first_header = lowered.headers.len() as u32;
        let mut key = Span::ABSENT;
        if self.needs.record {
            key = Span::push_option(&mut lowered.arena, view.key());
            for (name, value) in view.headers() {
                let name = Span::push(&mut lowered.arena, name).into();
                let value = Span::push_option(&mut lowered.arena, value).into();
                lowered.headers.push(Header { name, value });
            }
        }
        lowered.records.push(KafkaRecord {
            offset: view.record.offset,
            timestamp: view.record.timestamp,
            key: key.into(),
            value: Span::ABSENT.into(),
            first_header,
            header_count: lowered.headers.len() as u32 - first_header,
        });
    }
}

/// A call's arguments.
struct Lowered {
    arena: Vec<u8>,
    origin: Origin,
    records: Vec<KafkaRecord>,
    headers: Vec<Header>,
    events: Vec<wire::Event>,
}

fn read(answer: &wire::Answer, decision: &wire::Decision) -> Result<Decision, (Class, String)> {
    let bad = |message: &str| (Class::BadOutput, message.to_string());
    let refused = Span::from(decision.refused);
    if !refused.is_absent() {
        let message = refused.of(&answer.arena).unwrap_or_default();
        let message = &message[..message.len().min(Failure::MESSAGE_MAX)];
        return Err((
            Class::Unroutable,
            String::from_utf8_lossy(message).into_owned(),
        ));
    }
    let stream = match decision.stream {
        0 => Deliver::No,
        1 => Deliver::AsConfigured,
        2 => Deliver::Always,
        3 => Deliver::WhileConnected,
        _ => return Err(bad("a delivery mode that this version doesn't know")),
    };
    if Span::from(decision.topic).is_absent() {
        return Ok(Decision {
            stream,
            topic: None,
        });
    }
    let (arena, headers) = (&answer.arena, &answer.headers);
    let topic = super::outgoing::topic(decision.topic, arena).map_err(|e| bad(&e))?;
    let key = super::outgoing::bytes(decision.key, arena).map_err(|e| bad(&e))?;
    let range = (decision.first_header, decision.header_count);
    let headers = super::outgoing::headers(headers, range, arena).map_err(|e| bad(&e))?;
    Ok(Decision {
        stream,
        topic: Some(ToTopic {
            topic,
            key,
            headers,
        }),
    })
}
