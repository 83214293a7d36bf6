//! The route kind.

mod answer;
mod lower;

use self::answer::read;
use self::lower::Lowered;
use super::abi::route::exports::millstream::plugin::route as wire;
use super::abi::route::{RoutePlugin, RoutePluginPre};
use super::guest::{CallError, Program};
use super::limits::Guard;
use super::seat::{Kind, Seat};
use crate::record::{Batch, Class, Events, Failure, Headers, Stage};
use std::ops::Range;
use wasmtime::Store;

/// A compiled route.
#[derive(Clone)]
pub struct Route {
    /// Its program.
    pub program: Program,
    pre: RoutePluginPre<Guard>,
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

    /// An instance of its own, configured.
    ///
    /// # Errors
    /// When it refuses its configuration, or can't be started.
    pub fn instance(&self) -> Result<RouteInstance, CallError> {
        let (seat, needs) = Seat::new(self.clone())?;
        Ok(RouteInstance { needs, seat })
    }
}

impl Kind for Route {
    type Bindings = RoutePlugin;
    type Told = Needs;

    fn program(&self) -> &Program {
        &self.program
    }

    fn instantiate(&self, store: &mut Store<Guard>) -> wasmtime::Result<RoutePlugin> {
        self.pre.instantiate(store)
    }

    fn configure(
        plugin: &RoutePlugin,
        store: &mut Store<Guard>,
        config: &str,
    ) -> wasmtime::Result<Result<Needs, String>> {
        let told = plugin
            .millstream_plugin_route()
            .call_configure(store, config)?;
        Ok(told.map(|told| Needs {
            connected: told.contains(wire::Needs::CONNECTED),
            payload: told.contains(wire::Needs::PAYLOAD),
            record: told.contains(wire::Needs::RECORD),
        }))
    }
}

/// One worker's instance of a route.
pub struct RouteInstance {
    /// What it asked to be told.
    pub needs: Needs,
    seat: Seat<Route>,
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
            routed.failures.push(self.seat.program().blame(failure));
        }
    }

    fn call(
        &mut self,
        batch: &Batch,
        events: &Events,
        connected: &[bool],
        range: Range<usize>,
    ) -> Result<wire::Answer, CallError> {
        let lowered = Lowered::new(self.needs, batch, events, connected, range);
        let Lowered {
            arena,
            origin,
            records,
            headers,
            events,
        } = &lowered;
        self.seat.call(events.len(), |plugin, store| {
            let plugin = plugin.millstream_plugin_route();
            plugin.call_run(store, arena, *origin, records, headers, events)
        })
    }
}
