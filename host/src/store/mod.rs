//! Stores events and ledgers, and reads them back.
//!
//! Promises: a batch's events and its ledger move together or not at all; an
//! append returns what is known (`Stored`, `Moved`, `Unknown`, `Unavailable`) and
//! never guesses. Two stores have the same contract (`tests/e2e/store`): Redis,
//! and the process's memory for experiments. This folder deliberately does not
//! know Kafka, plugins, or what a pipeline does with an answer.

mod append;
mod gap;
mod ledger;
pub mod memory;
mod protocol;
pub mod redis;
mod replay;
mod settings;
mod stores;
mod tasks;
mod time;
mod unstored;

pub use append::{Append, Appended, NewValue, ReadValues, StreamEvent, TaskReport};
pub use ledger::{Identity, Ledger, LedgerKey};
pub use protocol::Exchange;
pub use replay::{Mark, Replay, Replayed};
pub use settings::{Login, Retention, StoreSettings, StoreTls, StoreUrl};
pub use stores::Store;
pub use tasks::{NewTask, RESULT_MAX, Rate, Repeat, Taken, Task, Unsent};
pub use unstored::{Refusal, Unstored};

use crate::record::ClientId;
use bytes::Bytes;
use std::time::Duration;
use thiserror::Error;

/// The store can't do what was asked now. Nothing was changed.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// One worker's access to the store. Blocking; one transaction at a time.
pub trait Writer: Send {
    /// Reads a ledger.
    ///
    /// # Errors
    /// When the store does not answer.
    fn ledger(&mut self, key: &LedgerKey) -> Result<Option<Ledger>, Unavailable>;

    /// Reads the values that a stateful transform keeps under these keys, in a
    /// ledger's partition.
    ///
    /// # Errors
    /// When the store does not answer.
    fn values(&mut self, key: &LedgerKey, keys: &[Bytes]) -> Result<ReadValues, Unavailable>;

    /// Writes a new ledger, replacing the one at position `stands`, or creating
    /// it if `stands` is `None`. Removes the partition's values if `forget` is set.
    /// Returns the ledger that is then stored: another one, if the position was
    /// different.
    ///
    /// # Errors
    /// When the store does not answer; the ledger may have been written.
    fn begin(
        &mut self,
        key: &LedgerKey,
        stands: Option<i64>,
        anew: &Ledger,
        forget: bool,
    ) -> Result<Ledger, Unavailable>;

    /// Stores the number of partitions of a topic (with this ID), unless the
    /// group has stored it before. Returns the number that was stored first.
    ///
    /// # Errors
    /// When the store does not answer; the number may have been stored.
    fn partitions_at_first(
        &mut self,
        group: &str,
        topic: &str,
        topic_id: &str,
        partitions: i32,
    ) -> Result<i32, Unavailable>;

    /// Stores a batch's events, rings the doorbell and moves the ledger, all or
    /// nothing, if the ledger is at the position that the append expects.
    /// `following` is the ledger of the next append, if known: it is then read in
    /// the same round trip. After `Unknown` and `Unavailable`, retry the same
    /// append.
    fn append(&mut self, append: &mut Append, following: Option<&LedgerKey>) -> Appended;

    /// How long a request without work takes, if that is known: from the ledgers that were
    /// read by requests of their own, not with another append.
    fn round_trip(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    /// Ends the look-ahead of the last append: the append that it was for does
    /// not come next, or not soon.
    fn rest(&mut self) {}

    /// For each client, whether it currently holds a lease.
    ///
    /// # Errors
    /// When the store does not answer.
    fn connected(&mut self, clients: &[&str]) -> Result<Vec<bool>, Unavailable>;

    /// For each task, its owner, if known.
    ///
    /// # Errors
    /// When the store does not answer.
    fn owners(&mut self, tasks: &[&str]) -> Result<Vec<Option<ClientId>>, Unavailable>;

    /// For each of these names, whether the group has this mark for it. Marks are
    /// kept for 30 days.
    ///
    /// # Errors
    /// When the store does not answer.
    fn marked(&mut self, group: &str, mark: Mark, names: &[&str])
    -> Result<Vec<bool>, Unavailable>;

    /// Marks these as sent to their topics again.
    ///
    /// # Errors
    /// When the store does not answer; they may be marked.
    fn mark_sent(&mut self, group: &str, names: &[&str]) -> Result<(), Unavailable>;

    /// Removes the group's marks for these replayed records.
    ///
    /// # Errors
    /// When the store does not answer; the marks may have been removed.
    fn unmark(&mut self, group: &str, sources: &[&str]) -> Result<(), Unavailable>;

    /// Stores the events of the records that are not marked for the group, rings
    /// the doorbell, and marks the records, all or nothing; returns a result for
    /// each record. With `write` false it returns what would happen, and changes
    /// nothing.
    ///
    /// # Errors
    /// When the store does not answer. The replay may be stored: retry the same
    /// replay.
    fn replay(&mut self, replay: &mut Replay, write: bool) -> Result<Vec<Replayed>, Unavailable>;
}
