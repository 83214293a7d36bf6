//! The transform kind: calls, and the search for the record that broke one.

use super::abi::Lowered;
use super::abi::transform::TransformPlugin;
use super::abi::transform::TransformPluginPre;
use super::abi::transform::exports::millstream::plugin::transform as wire;
use super::check;
use super::guest::{CallError, Program};
use super::limits::Guard;
use super::seat::{Kind, Seat};
use crate::record::{Batch, Events, Failure, Stage};
use std::ops::Range;
use wasmtime::Store;

/// A compiled transform.
#[derive(Clone)]
pub struct Transform {
    /// Its program.
    pub program: Program,
    pre: TransformPluginPre<Guard>,
}

/// What a batch became: for each record events, a failure, or neither.
#[derive(Debug, Default)]
pub struct Made {
    /// The events, in the order of their records.
    pub events: Events,
    /// The failures, likewise.
    pub failures: Vec<Failure>,
    /// The index after the last record that was processed. Short of the
    /// range's end where the events grew too many to hold at once.
    pub end: usize,
}

impl Transform {
    pub(super) fn new(program: Program) -> wasmtime::Result<Transform> {
        let pre = TransformPluginPre::new(program.pre.clone())?;
        Ok(Transform { program, pre })
    }

    /// An instance of its own, configured.
    ///
    /// # Errors
    /// When it refuses its configuration, or can't be started.
    pub fn instance(&self) -> Result<TransformInstance, CallError> {
        let (seat, ()) = Seat::new(self.clone())?;
        Ok(TransformInstance { seat })
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

/// One worker's instance of a transform.
pub struct TransformInstance {
    seat: Seat<Transform>,
}

impl TransformInstance {
    /// Transforms the records of `range`. Whatever the plugin does, the answer
    /// is whole: a record that breaks the plugin is found by halving and fails
    /// alone, and the others' events are there once, in order.
    pub fn run(&mut self, batch: &Batch, range: Range<usize>) -> Made {
        let mut made = Made {
            end: range.end,
            ..Made::default()
        };
        // What is still to do, the next one last. No recursion: a plugin may
        // panic on each of ten thousand records.
        let mut open = vec![range];
        while let Some(range) = open.pop() {
            if range.is_empty() {
                continue;
            }
            if made.events.arena.len() > self.seat.program().limits.output {
                made.end = range.start;
                break;
            }
            if let Err(error) = self.try_range(batch, &range, &mut made) {
                self.narrow(range, error, &mut open, &mut made);
            }
        }
        made
    }

    fn try_range(
        &mut self,
        batch: &Batch,
        range: &Range<usize>,
        made: &mut Made,
    ) -> Result<(), CallError> {
        let answer = self.call(batch, range.clone())?;
        check::transform(answer, range, self.seat.program(), made)
    }

    /// After a failed call: the record that broke it fails, or is looked for
    /// in smaller ranges.
    fn narrow(
        &self,
        range: Range<usize>,
        error: CallError,
        open: &mut Vec<Range<usize>>,
        made: &mut Made,
    ) {
        let Range { start, end } = range;
        if end - start == 1 {
            let failure = Failure::new(start as u32, Stage::Transform, error.class, error.message);
            made.failures.push(self.seat.program().blame(failure));
            return;
        }
        // A panic hook names the record: what came before it was fine.
        let named = error
            .culprit
            .map(|i| start + i as usize)
            .filter(|at| (start..end).contains(at));
        if let Some(at) = named {
            open.extend([at + 1..end, at..at + 1, start..at]);
        } else {
            let middle = start + (end - start) / 2;
            open.extend([middle..end, start..middle]);
        }
    }

    /// One call into the plugin, its answer unchecked.
    pub(super) fn call(
        &mut self,
        batch: &Batch,
        range: Range<usize>,
    ) -> Result<wire::Answer, CallError> {
        let lowered = Lowered::new(batch, range);
        let Lowered {
            origin,
            records,
            headers,
        } = &lowered;
        self.seat.call(records.len(), |plugin, store| {
            let plugin = plugin.millstream_plugin_transform();
            plugin.call_run(store, &batch.arena, *origin, records, headers)
        })
    }
}
