//! A plugin's limits, and the guard that enforces them.

use super::abi::log::Level;
use super::calling::{Calling, LogLevel};
use super::panics;
use crate::record::Failure;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use wasmtime::{ResourceLimiter, StoreContextMut, UpdateDeadline};

/// A plugin's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Its linear memory, in bytes.
    pub memory: usize,
    /// CPU time of one call, however many records it has.
    pub cpu_per_batch: Duration,
    /// Additional CPU time for each record of a call.
    pub cpu_per_record: Duration,
    /// The most bytes of one call's answer; payloads count as often as they are
    /// used.
    pub output: usize,
    /// The most keys with a value of one partition, for a transform that keeps
    /// state.
    pub state_keys: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory: 64 << 20,
            cpu_per_batch: Duration::from_millis(100),
            cpu_per_record: Duration::from_millis(1),
            output: 16 << 20,
            state_keys: 1_000_000,
        }
    }
}

impl Limits {
    /// CPU time of a call with `records` records.
    pub fn budget(&self, records: usize) -> Duration {
        let records = u32::try_from(records).unwrap_or(u32::MAX);
        self.cpu_per_batch
            .saturating_add(self.cpu_per_record.saturating_mul(records))
    }
}

/// The state of a store: limits, and what went wrong in a call.
pub(super) struct Guard {
    memory_limit: usize,
    /// The linear memory that the instance has, in bytes.
    pub memory: usize,
    /// The CPU time that the current call may use.
    budget: Duration,
    /// The CPU time of this thread at which it ends.
    deadline: Duration,
    /// The plugin exceeded its memory.
    pub refused_memory: bool,
    /// The plugin exceeded its CPU time.
    pub timed_out: bool,
    /// The record and message of a panic, as the plugin reports them.
    pub panicked: Option<(u32, String)>,
    /// What the imports of the current call know and collect.
    pub calling: Calling,
}

impl Guard {
    pub fn new(limits: &Limits) -> Guard {
        Guard {
            memory_limit: limits.memory,
            memory: 0,
            budget: Duration::ZERO,
            deadline: Duration::ZERO,
            refused_memory: false,
            timed_out: false,
            panicked: None,
            calling: Calling::default(),
        }
    }

    /// Starts a call's clock and clears the errors of earlier calls. CPU time,
    /// not wall time: an overloaded machine must not fail healthy records.
    pub fn start(&mut self, budget: Duration) {
        self.refused_memory = false;
        self.timed_out = false;
        self.panicked = None;
        self.budget = budget;
        self.deadline = thread_cpu_time().saturating_add(budget);
    }

    /// What to tell of a call that exceeded its CPU time.
    pub fn told_of_time(&self) -> String {
        let budget = self.budget.as_millis();
        format!(
            "the plugin exceeded its CPU time of {budget} ms (limits.cpu-per-batch and \
             cpu-per-record)"
        )
    }

    /// What to tell of a call that exceeded its memory.
    pub fn told_of_memory(&self) -> String {
        let limit = self.memory_limit >> 10;
        format!("the plugin exceeded its memory limit of {limit} KiB (limits.memory)")
    }

    /// For `Store::epoch_deadline_callback`; runs at every tick during a call.
    pub fn on_tick(mut store: StoreContextMut<Guard>) -> wasmtime::Result<UpdateDeadline> {
        let guard = store.data_mut();
        if thread_cpu_time() < guard.deadline {
            return Ok(UpdateDeadline::Continue(1));
        }
        guard.timed_out = true;
        Ok(UpdateDeadline::Interrupt)
    }
}

impl super::abi::diagnostics::Host for Guard {
    fn panicked(&mut self, record: u32, message: String) {
        self.panicked = Some((record, Failure::words(panics::explained(&message))));
    }
}

impl super::abi::log::Host for Guard {
    fn write(&mut self, record: u32, level: Level, message: String) {
        let level = match level {
            Level::Error => LogLevel::Error,
            Level::Warn => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            Level::Debug => LogLevel::Debug,
        };
        self.calling.log(record, level, message);
    }
}

impl super::abi::clock::Host for Guard {
    fn at(&mut self, record: u32) -> i64 {
        self.calling.clock(record)
    }
}

impl ResourceLimiter for Guard {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = desired <= self.memory_limit;
        self.refused_memory |= !fits;
        if fits {
            self.memory = desired;
        }
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= 100_000)
    }
}

/// The CPU time that this thread has used.
pub(super) fn thread_cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}
