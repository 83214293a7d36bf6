//! The transform kind.

use super::abi::Lowered;
use super::abi::transform::TransformPlugin;
use super::abi::transform::TransformPluginPre;
use super::abi::transform::exports::millstream::plugin::transform as wire;
use super::check;
use super::guest::{CallError, Program};
use super::limits::Guard;
use super::made::Made;
use super::meter::Usage;
use super::room::Room;
use super::search::{Calls, Turn, search};
use super::slot::{Broken, InstanceSlot, Kind};
use crate::record::{Batch, Failure, Stage};
use std::ops::Range;
use std::time::Duration;
use wasmtime::Store;

/// A compiled transform.
#[derive(Clone)]
pub struct Transform {
    /// The linked plugin.
    pub program: Program,
    pre: TransformPluginPre<Guard>,
}

impl Transform {
    pub(super) fn new(program: Program) -> wasmtime::Result<Transform> {
        let pre = TransformPluginPre::new(program.pre.clone())?;
        Ok(Transform { program, pre })
    }

    /// A new, configured instance.
    ///
    /// # Errors
    /// If it refuses its configuration or can't start.
    pub fn instance(&self) -> Result<TransformInstance, CallError> {
        let (slot, ()) = InstanceSlot::new(self.clone())?;
        Ok(TransformInstance { slot })
    }
}

impl Kind for Transform {
    type Bindings = TransformPlugin;
    type Told = ();

    fn program(&self) -> &Program {
        &self.program
    }

    fn instantiate(&self, store: &mut Store<Guard>) -> wasmtime::Result<TransformPlugin> {
        self.pre.instantiate(store)
    }

    fn configure(
        plugin: &TransformPlugin,
        store: &mut Store<Guard>,
        config: &str,
    ) -> wasmtime::Result<Result<(), String>> {
        plugin
            .millstream_plugin_transform()
            .call_configure(store, config)
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

    /// Transforms the records of `range`, as far as the turn goes. A record
    /// that breaks the plugin fails alone; the events of the others are made
    /// once, in order.
    pub fn run(&mut self, batch: &Batch, range: Range<usize>, turn: &Turn<'_>) -> Made {
        let mut transforming = Transforming {
            room: Room::new(self.slot.program().limits.output),
            slot: &mut self.slot,
            batch,
            made: Made::default(),
        };
        let (end, ended) = search(&mut transforming, range, turn);
        Made {
            end,
            ended,
            ..transforming.made
        }
    }
}

/// A batch being transformed.
struct Transforming<'a> {
    slot: &'a mut InstanceSlot<Transform>,
    batch: &'a Batch,
    room: Room,
    made: Made,
}

impl Calls for Transforming<'_> {
    fn budget(&self, records: &Range<usize>) -> Duration {
        self.slot.program().limits.budget(records.len())
    }

    fn call(&mut self, records: Range<usize>, cpu: Duration) -> Result<usize, Broken> {
        let answer = self.ask(records.clone(), cpu)?;
        let (room, made) = (&mut self.room, &mut self.made);
        check::transform(answer, &records, self.slot.program(), room, made)
            .map_err(|error| self.slot.reject(error))
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
    /// One call into the plugin; the answer is unchecked.
    fn ask(&mut self, records: Range<usize>, cpu: Duration) -> Result<wire::Answer, Broken> {
        let lowered = Lowered::new(self.batch, records);
        let Lowered {
            origin,
            records,
            headers,
        } = &lowered;
        self.slot.call(cpu, |plugin, store| {
            let plugin = plugin.millstream_plugin_transform();
            plugin.call_run(store, &self.batch.arena, *origin, records, headers)
        })
    }
}
