//! The transform kind, with and without state.

mod exports;
mod stateful;

use self::exports::{Bindings, Exports};
use super::abi::{Call, call_with, transform as wire};
use super::calling::{Calling, LogLine};
use super::check;
use super::guest::{CallError, Program};
use super::limits::Guard;
use super::made::Made;
use super::meter::Usage;
use super::room::Room;
use super::search::{Calls, End, Turn, search};
use super::slot::{Broken, InstanceSlot, Kind};
use super::state::{ReadState, Values};
use crate::record::{Batch, Failure, Stage};
use std::ops::Range;
use std::time::Duration;
use wasmtime::Store;

/// A compiled transform.
#[derive(Clone)]
pub struct Transform {
    /// The linked plugin.
    pub program: Program,
    exports: Exports,
}

impl Transform {
    /// `stateful`: it exports the interface of one that keeps state.
    pub(super) fn new(program: Program, stateful: bool) -> wasmtime::Result<Transform> {
        let exports = Exports::find(&program.pre, stateful)?;
        Ok(Transform { program, exports })
    }

    /// Whether it keeps state.
    pub fn is_stateful(&self) -> bool {
        matches!(self.exports, Exports::Stateful { .. })
    }

    /// A new instance that goes live: what it logs is in the daemon's log.
    ///
    /// # Errors
    /// As [`Self::instance`].
    pub fn live(&self) -> Result<TransformInstance, CallError> {
        let mut instance = self.instance()?;
        instance.slot.log_lines();
        Ok(instance)
    }

    /// A new, configured instance. What it logs is kept.
    ///
    /// # Errors
    /// If it refuses its configuration or can't start.
    pub fn instance(&self) -> Result<TransformInstance, CallError> {
        let (slot, ()) = InstanceSlot::new(self.clone())?;
        Ok(TransformInstance { slot })
    }
}

impl Kind for Transform {
    type Bindings = Bindings;
    type Told = ();

    fn program(&self) -> &Program {
        &self.program
    }

    fn instantiate(&self, store: &mut Store<Guard>) -> wasmtime::Result<Bindings> {
        self.exports.instantiate(&self.program.pre, store)
    }

    fn configure(
        plugin: &Bindings,
        store: &mut Store<Guard>,
        config: &str,
    ) -> wasmtime::Result<Result<(), String>> {
        let configure = match plugin {
            Bindings::Plain(functions) => functions.configure,
            Bindings::Stateful { functions, .. } => functions.configure,
        };
        configure.call(store, (config,)).map(|(told,)| told)
    }
}

/// A worker's instance of a transform.
pub struct TransformInstance {
    slot: InstanceSlot<Transform>,
}

impl TransformInstance {
    /// What its calls have used; measured only if the loader measures.
    pub fn usage(&self) -> Usage {
        self.slot.usage()
    }

    /// Keeps what the plugin logs from now on, and returns what was kept.
    pub fn keep_lines(&mut self) -> Vec<LogLine> {
        self.slot.keep_lines()
    }

    /// Whether it keeps state.
    pub fn is_stateful(&self) -> bool {
        self.slot.kind().is_stateful()
    }

    /// Transforms the records of `range`, as far as the turn goes. A record
    /// that breaks the plugin fails alone; the events of the others are made
    /// once, in order. `state` has the values before the first record.
    pub fn run(
        &mut self,
        batch: &Batch,
        range: Range<usize>,
        state: &mut dyn ReadState,
        turn: &Turn<'_>,
    ) -> Made {
        let limits = self.slot.program().limits;
        let clocks = self.clocks(batch);
        let mut transforming = Transforming {
            room: Room::new(limits.output),
            clocks: &clocks,
            slot: &mut self.slot,
            batch,
            state,
            values: Values::new(limits.state_keys),
            undone: false,
            made: Made::default(),
        };
        let (end, ended) = search(&mut transforming, range, turn);
        let ended = match (ended, transforming.undone) {
            (End::Full, true) => End::Undone,
            (ended, _) => ended,
        };
        let mut made = transforming.made;
        made.before = transforming.values.before(&made.writes);
        Made { end, ended, ..made }
    }

    fn clocks(&self, batch: &Batch) -> Vec<i64> {
        match self.is_stateful() {
            true => batch.clocks().collect(),
            false => Vec::new(),
        }
    }
}

/// A batch being transformed.
struct Transforming<'a> {
    slot: &'a mut InstanceSlot<Transform>,
    batch: &'a Batch,
    /// The partition's time at each record, if it keeps state.
    clocks: &'a [i64],
    state: &'a mut dyn ReadState,
    values: Values,
    /// A record failed that had written: what came after it has to run again.
    undone: bool,
    room: Room,
    made: Made,
}

impl Calls for Transforming<'_> {
    fn budget(&self, records: &Range<usize>) -> Duration {
        self.slot.program().limits.budget(records.len())
    }

    fn call(&mut self, records: Range<usize>, cpu: Duration) -> Result<usize, Broken> {
        if self.slot.kind().is_stateful() {
            // Two calls that count as one: nothing else came before the second.
            let fresh = self.slot.is_fresh();
            let called = self.call_with_state(&records, cpu);
            return called.map_err(|broken| broken.in_fresh(fresh));
        }
        let answer = self.ask_plain(records.clone(), cpu)?;
        self.take(answer, &records)
    }

    fn is_full(&self) -> bool {
        self.room.is_full()
    }

    fn blame(&mut self, record: usize, error: CallError) {
        let failure = Failure::new(record as u32, Stage::Transform, error.class, error.message);
        self.made.failures.push(self.slot.program().blame(failure));
    }
}

impl Transforming<'_> {
    /// Checks an answer and keeps it. Returns the end of what was kept.
    fn take(&mut self, answer: wire::Answer, records: &Range<usize>) -> Result<usize, Broken> {
        let (room, made) = (&mut self.room, &mut self.made);
        check::transform(answer, records, self.slot.program(), room, made)
            .map_err(|error| self.slot.reject(error))
    }

    /// One call into the plugin about `records`; the answer is unchecked.
    fn ask<R>(
        &mut self,
        records: Range<usize>,
        cpu: Duration,
        call: impl FnOnce(&Bindings, &mut Store<Guard>, Call<'_>) -> wasmtime::Result<(R,)>,
    ) -> Result<R, Broken> {
        let needed = self.slot.program().needed;
        let calling = Calling::with(needed, self.batch, records.clone());
        let params = call_with(self.batch, records);
        let answered = self
            .slot
            .call(calling, cpu, |plugin, store| call(plugin, store, params));
        answered.map(|(answer,)| answer)
    }

    fn ask_plain(&mut self, records: Range<usize>, cpu: Duration) -> Result<wire::Answer, Broken> {
        self.ask(records, cpu, |plugin, store, params| match plugin {
            Bindings::Plain(functions) => functions.run.call(store, params),
            Bindings::Stateful { .. } => Err(other_kind()),
        })
    }
}

/// Can't happen: which calls are made depends on the bindings.
fn other_kind() -> wasmtime::Error {
    wasmtime::Error::msg("the plugin exports the other kind of transform")
}
