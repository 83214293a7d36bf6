//! What the imports of a call know and collect: about its records, and the lines
//! that the plugin logs.

use super::capabilities::{Capabilities, Capability};
use crate::record::{Batch, Failure, NO_TIME, TopicPartition};

/// The most lines of one call.
const LINES: usize = 100;

/// How severe a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// Something happened.
    Info,
    /// For whoever looks for a fault.
    Debug,
}

impl LogLevel {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
        }
    }
}

/// A line that a plugin logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The offset of the record that it is about.
    pub offset: Option<i64>,
    /// Its level.
    pub level: LogLevel,
    /// Its words, on one line.
    pub message: String,
}

/// The records of a call, as far as its imports need to know them.
#[derive(Default)]
pub(super) struct Calling {
    origin: Option<TopicPartition>,
    /// The offset and the partition's time of each record, in the call's order.
    records: Vec<(i64, i64)>,
    lines: Vec<LogLine>,
    /// Lines over the limit.
    over: usize,
}

impl Calling {
    /// A call with the records at these indices of a batch. Empty for a plugin
    /// that does not need it, so that it costs nothing there.
    pub fn with(
        needed: Capabilities,
        batch: &Batch,
        indices: impl Iterator<Item = usize>,
    ) -> Calling {
        if !needed.has(Capability::Log) && !needed.has(Capability::Clock) {
            return Calling::default();
        }
        let clocks: Vec<i64> = batch.clocks().collect();
        let of = |index: usize| (batch.records[index].offset, clocks[index]);
        Calling {
            origin: Some(batch.origin.clone()),
            records: indices.map(of).collect(),
            ..Calling::default()
        }
    }

    fn record(&self, index: u32) -> Option<(i64, i64)> {
        self.records.get(index as usize).copied()
    }

    /// Keeps a line about a record of the call.
    pub fn log(&mut self, record: u32, level: LogLevel, message: String) {
        if self.lines.len() == LINES {
            self.over += 1;
            return;
        }
        self.lines.push(LogLine {
            offset: self.record(record).map(|(offset, _)| offset),
            level,
            message: Failure::words(message),
        });
    }

    /// The partition's time at a record of the call.
    pub fn clock(&self, record: u32) -> i64 {
        let found = self.record(record);
        found.map_or(NO_TIME, |(_, clock)| clock)
    }
}

/// Where the lines of a plugin go.
pub(super) enum Lines {
    /// To the daemon's log.
    Logged,
    /// They are kept: for the plugin's author, or until it is known that the plugin
    /// may go live.
    Kept(Vec<LogLine>),
}

impl Lines {
    /// Takes the lines of a call that has ended.
    pub fn take(&mut self, plugin: &str, calling: &mut Calling) {
        if calling.lines.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut calling.lines);
        match self {
            Lines::Kept(kept) => kept.extend(lines),
            Lines::Logged => {
                let partition = calling.origin.as_ref().map(ToString::to_string);
                let each = lines.iter();
                each.for_each(|line| write(plugin, partition.as_deref(), line));
            }
        }
        let over = std::mem::take(&mut calling.over);
        if over > 0 && matches!(self, Lines::Logged) {
            tracing::warn!(
                plugin,
                over,
                "a plugin logged more than {LINES} lines in one call"
            );
        }
    }

    /// Writes what was kept to the daemon's log, and everything from now on.
    pub fn log(&mut self, plugin: &str) {
        if let Lines::Kept(kept) = std::mem::replace(self, Lines::Logged) {
            kept.iter().for_each(|line| write(plugin, None, line));
        }
    }
}

/// Writes a plugin's line to the daemon's log.
fn write(plugin: &str, partition: Option<&str>, line: &LogLine) {
    let LogLine {
        offset, message, ..
    } = line;
    match line.level {
        LogLevel::Error => {
            tracing::error!(target: crate::log::PLUGINS, plugin, partition, offset, "{message}");
        }
        LogLevel::Warn => {
            tracing::warn!(target: crate::log::PLUGINS, plugin, partition, offset, "{message}");
        }
        LogLevel::Info => {
            tracing::info!(target: crate::log::PLUGINS, plugin, partition, offset, "{message}");
        }
        LogLevel::Debug => {
            tracing::debug!(target: crate::log::PLUGINS, plugin, partition, offset, "{message}");
        }
    }
}
