//! The route kind.

mod answer;
mod lower;
mod types;

pub use types::{Decision, Needs, StreamDelivery, ToTopic};

use self::answer::{Answer, read, size};
use self::lower::Lowered;
use super::abi::{Exports, Functions, Header, KafkaRecord, Origin, Slice, route as wire};
use super::calling::{Calling, LogLine};
use super::contract::interface;
use super::guest::{CallError, Program};
use super::limits::Guard;
use super::meter::Usage;
use super::room::{Room, Taken};
use super::search::{Calls, End, Turn, search};
use super::slot::{Broken, InstanceSlot, Kind};
use crate::record::{Batch, Class, Event, Events, Failure, Stage};
use std::ops::Range;
use std::time::Duration;
use wasmtime::Store;

/// A compiled route.
#[derive(Clone)]
pub struct Route {
    /// The linked plugin.
    pub program: Program,
    exports: Exports<wire::Needs, Call<'static>, wire::Answer>,
}

/// The arguments of `run`.
type Call<'a> = (
    Slice<'a, u8>,
    Origin,
    Slice<'a, KafkaRecord>,
    Slice<'a, Header>,
    Slice<'a, wire::Event>,
);

/// The routing of a batch's events.
#[derive(Debug, Default)]
pub struct Routed {
    /// One for each decided event; `None` if its record failed.
    pub decisions: Vec<Option<Decision>>,
    /// Records that failed, in order, each once.
    pub failures: Vec<Failure>,
    /// Why there may be fewer decisions than events.
    pub ended: End,
}

impl Route {
    pub(super) fn new(program: Program) -> wasmtime::Result<Route> {
        let exports = Exports::find(&program.pre, &interface("route"))?;
        Ok(Route { program, exports })
    }

    /// A new instance that goes live: what it logs is in the daemon's log.
    ///
    /// # Errors
    /// As [`Self::instance`].
    pub fn live(&self) -> Result<RouteInstance, CallError> {
        let mut instance = self.instance()?;
        instance.slot.log_lines();
        Ok(instance)
    }

    /// A new, configured instance. What it logs is kept.
    ///
    /// # Errors
    /// If it refuses its configuration or can't start.
    pub fn instance(&self) -> Result<RouteInstance, CallError> {
        let (slot, needs) = InstanceSlot::new(self.clone())?;
        Ok(RouteInstance { needs, slot })
    }
}

impl Kind for Route {
    type Bindings = Functions<wire::Needs, Call<'static>, wire::Answer>;
    type Told = Needs;

    fn program(&self) -> &Program {
        &self.program
    }

    fn instantiate(&self, store: &mut Store<Guard>) -> wasmtime::Result<Self::Bindings> {
        let instance = self.program.pre.instantiate(&mut *store)?;
        self.exports.of(store, &instance)
    }

    fn configure(
        plugin: &Self::Bindings,
        store: &mut Store<Guard>,
        config: &str,
    ) -> wasmtime::Result<Result<Needs, String>> {
        let (told,) = plugin.configure.call(store, (config,))?;
        Ok(told.map(|told| Needs {
            connected: told.contains(wire::Needs::CONNECTED),
            payload: told.contains(wire::Needs::PAYLOAD),
            record: told.contains(wire::Needs::RECORD),
        }))
    }
}

/// A worker's instance of a route.
pub struct RouteInstance {
    /// What it asked for.
    pub needs: Needs,
    slot: InstanceSlot<Route>,
}

impl RouteInstance {
    /// What its calls have used; measured only if the loader measures.
    pub fn usage(&self) -> Usage {
        self.slot.usage()
    }

    /// Keeps what the plugin logs from now on, and returns what was kept.
    pub fn keep_lines(&mut self) -> Vec<LogLine> {
        self.slot.keep_lines()
    }

    /// The linked plugin.
    pub fn program(&self) -> &Program {
        self.slot.program()
    }

    /// Routes a batch's events, as far as the turn goes, in whole records.
    /// `connected` has one entry per event if the plugin asked for it,
    /// otherwise none.
    pub fn run(
        &mut self,
        batch: &Batch,
        events: &Events,
        connected: &[bool],
        turn: &Turn<'_>,
    ) -> Routed {
        let output = self.slot.program().limits.output;
        let mut routing = Routing {
            needs: self.needs,
            slot: &mut self.slot,
            batch,
            events,
            connected,
            records: by_record(events),
            room: Room::new(output),
            routed: Routed::default(),
        };
        let all = 0..routing.records.len();
        let (_, ended) = search(&mut routing, all, turn);
        Routed {
            ended,
            ..routing.routed
        }
    }
}

/// For each record that made events, the range of its events.
fn by_record(events: &Events) -> Vec<Range<usize>> {
    let mut start = 0;
    let of_record = |events: &[Event]| {
        let range = start..start + events.len();
        start = range.end;
        range
    };
    let records = events.list.chunk_by(|a, b| a.record == b.record);
    records.map(of_record).collect()
}

/// A batch's events being routed. A record is all or nothing, so calls consist
/// of records and records are blamed.
struct Routing<'a> {
    needs: Needs,
    slot: &'a mut InstanceSlot<Route>,
    batch: &'a Batch,
    events: &'a Events,
    connected: &'a [bool],
    records: Vec<Range<usize>>,
    room: Room,
    routed: Routed,
}

impl Calls for Routing<'_> {
    fn budget(&self, records: &Range<usize>) -> Duration {
        let events = self.events_of(records);
        self.slot.program().limits.budget(events.len())
    }

    fn call(&mut self, records: Range<usize>, cpu: Duration) -> Result<usize, Broken> {
        let answer = self.ask(self.events_of(&records), cpu)?;
        let events = self.events_of(&records);
        if answer.decisions.len() != events.len() {
            return Err(self.slot.reject(CallError::bad_output(format!(
                "the plugin returned {} decisions for {} events",
                answer.decisions.len(),
                events.len()
            ))));
        }
        if !self.room.hold(answer.arena.len()) {
            return Ok(records.start);
        }
        self.routed.decisions.reserve(events.len());
        for record in records.clone() {
            let own = self.records[record].clone();
            let own = own.start - events.start..own.end - events.start;
            if !self.take(record, &answer, own) {
                return Ok(record);
            }
        }
        Ok(records.end)
    }

    fn is_full(&self) -> bool {
        self.room.is_full()
    }

    fn blame(&mut self, record: usize, error: CallError) {
        self.fail(record, error.class, error.message);
    }
}

impl Routing<'_> {
    fn events_of(&self, records: &Range<usize>) -> Range<usize> {
        match self.records.get(records.clone()) {
            Some([first, .., last]) => first.start..last.end,
            Some([only]) => only.clone(),
            _ => 0..0,
        }
    }

    /// Takes a record's decisions from an answer, if there is room for them.
    fn take(&mut self, record: usize, answer: &Answer, own: Range<usize>) -> bool {
        let decided = &mut self.routed.decisions;
        let before = decided.len();
        for decision in &answer.decisions[own] {
            match read(answer, decision) {
                Ok(decision) => decided.push(Some(decision)),
                Err((class, message)) => {
                    decided.truncate(before);
                    self.fail(record, class, message);
                    return true;
                }
            }
        }
        match self.room.take(size(&decided[before..])) {
            Taken::Yes => true,
            Taken::Full => {
                decided.truncate(before);
                false
            }
            Taken::Never(error) => {
                decided.truncate(before);
                self.fail(record, error.class, error.message);
                true
            }
        }
    }

    fn fail(&mut self, record: usize, class: Class, message: String) {
        let events = self.records[record].clone();
        let number = self.events.list[events.start].record;
        let failure = Failure::new(number, Stage::Route, class, message);
        self.routed
            .failures
            .push(self.slot.program().blame(failure));
        self.routed.decisions.resize(events.end, None);
    }

    fn ask(&mut self, events: Range<usize>, cpu: Duration) -> Result<Answer, Broken> {
        let list = &self.events.list[events.clone()];
        let called = list.chunk_by(|a, b| a.record == b.record);
        let called = called.map(|events| events[0].record as usize);
        let needed = self.slot.program().needed;
        let calling = Calling::with(needed, self.batch, called);
        let lowered = Lowered::new(self.needs, self.batch, self.events, self.connected, events);
        let answered = self.slot.call(calling, cpu, |plugin, store| {
            let params = (
                Slice(&lowered.arena[..]),
                lowered.origin,
                Slice(&lowered.records[..]),
                Slice(&lowered.headers[..]),
                Slice(&lowered.events[..]),
            );
            plugin.run.call(store, params)
        });
        answered.map(|(answer,)| Answer::from(answer))
    }
}
