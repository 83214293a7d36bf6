//! Measures calls into a plugin, for its author's tools. A daemon does not: each
//! look at the clock costs as much as a small record.

use super::limits::{Guard, thread_cpu_time};
use std::time::Duration;
use wasmtime::Store;

/// What is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Meter {
    /// Nothing.
    #[default]
    Off,
    /// The CPU time of calls.
    Time,
    /// Their instructions too. The same calls have the same number, whatever
    /// else the machine does. The compiled code differs and is slower.
    Instructions,
}

/// What the calls into an instance have used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// CPU time of the calling thread.
    pub cpu: Duration,
    /// WebAssembly instructions, in wasmtime's units of fuel.
    pub instructions: u64,
    /// The largest linear memory so far, in bytes.
    pub memory: usize,
}

impl Meter {
    /// Begins a call; returns the CPU time so far.
    pub(super) fn begin(self, store: &mut Store<Guard>) -> Duration {
        if self == Meter::Instructions {
            // Fails only where the engine does not count.
            let _ = store.set_fuel(u64::MAX);
        }
        match self {
            Meter::Off => Duration::ZERO,
            _ => thread_cpu_time(),
        }
    }

    /// Ends the call that began at `begun`.
    pub(super) fn end(self, begun: Duration, store: &Store<Guard>, usage: &mut Usage) {
        if self == Meter::Off {
            return;
        }
        usage.cpu += thread_cpu_time().saturating_sub(begun);
        usage.memory = usage.memory.max(store.data().memory);
        if let Ok(left) = store.get_fuel() {
            usage.instructions += u64::MAX - left;
        }
    }
}
