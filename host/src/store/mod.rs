//! Where events and ledgers are kept, and read back.
//!
//! Promises: a batch's events and its ledger move together or not at all; an
//! append answers what is known (`Stored`, `Moved`, `Unknown`, `Unavailable`)
//! and never guesses. Two stores keep the same contract (`tests/e2e/store`): Redis,
//! and the process's memory for trying things out. This folder deliberately
//! knows nothing of Kafka, of plugins, or of what a pipeline does with an
//! answer.

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

pub use append::{Append, Appended, StreamEvent, TaskReport};
pub use ledger::{Identity, Ledger, LedgerKey};
pub use protocol::Exchange;
pub use replay::{Mark, Replay, Replayed};
pub use settings::{Login, Retention, StoreSettings, StoreTls, StoreUrl};
pub use stores::Store;
pub use tasks::{NewTask, RESULT_MAX, Rate, Repeat, Taken, Task, Unsent};
pub use unstored::{Refusal, Unstored};

use crate::record::ClientId;
use thiserror::Error;

/// The store could not do what it was asked, now. Nothing was changed.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// One worker's way in. Blocking; a transaction at a time.
pub trait Writer: Send {
    /// Reads a ledger.
    ///
    /// # Errors
    /// When the store does not answer.
    fn ledger(&mut self, key: &LedgerKey) -> Result<Option<Ledger>, Unavailable>;

    /// Writes a ledger anew, in place of the one that stands at `stands`, or
    /// where there is none. Answers the ledger that stands then: another one
    /// if it stood elsewhere.
    ///
    /// # Errors
    /// When the store does not answer; it may have been written.
    fn begin(
        &mut self,
        key: &LedgerKey,
        stands: Option<i64>,
        anew: &Ledger,
    ) -> Result<Ledger, Unavailable>;

    /// Notes that a topic (of this ID) has so many partitions, unless the group
    /// has noted it before; answers what was noted first.
    ///
    /// # Errors
    /// When the store does not answer; it may be noted.
    fn partitions_at_first(
        &mut self,
        group: &str,
        topic: &str,
        topic_id: &str,
        partitions: i32,
    ) -> Result<i32, Unavailable>;

    /// Stores a batch's events, rings the doorbell and moves the ledger, all
    /// or nothing, if the ledger stands where the append expects it.
    /// `following` is the ledger of the next append, where it is known: its
    /// look-up then rides behind this transaction. After `Unknown` and
    /// `Unavailable` the same append is to be tried again.
    fn append(&mut self, append: &mut Append, following: Option<&LedgerKey>) -> Appended;

    /// Ends the look-up that rode behind the last append: what it was for does
    /// not come next, or not soon.
    fn rest(&mut self) {}

    /// For each client whether it holds an interest now.
    ///
    /// # Errors
    /// When the store does not answer.
    fn connected(&mut self, clients: &[&str]) -> Result<Vec<bool>, Unavailable>;

    /// For each task who owns it, if that is known.
    ///
    /// # Errors
    /// When the store does not answer.
    fn owners(&mut self, tasks: &[&str]) -> Result<Vec<Option<ClientId>>, Unavailable>;

    /// For each of these names whether the group has this mark of it. What is
    /// marked is known for 30 days.
    ///
    /// # Errors
    /// When the store does not answer.
    fn marked(&mut self, group: &str, mark: Mark, names: &[&str])
    -> Result<Vec<bool>, Unavailable>;

    /// Marks that these were sent to their topics again.
    ///
    /// # Errors
    /// When the store does not answer; they may be marked.
    fn mark_sent(&mut self, group: &str, names: &[&str]) -> Result<(), Unavailable>;

    /// Forgets that the group was given these records.
    ///
    /// # Errors
    /// When the store does not answer; they may be forgotten.
    fn unmark(&mut self, group: &str, sources: &[&str]) -> Result<(), Unavailable>;

    /// Stores the events of those records that the group was not given before,
    /// rings, and marks them, all or nothing; answers for each record. With
    /// `write` false it answers what would be, and changes nothing.
    ///
    /// # Errors
    /// When the store does not answer. It may be stored then: the same replay
    /// is to be tried again.
    fn replay(&mut self, replay: &mut Replay, write: bool) -> Result<Vec<Replayed>, Unavailable>;
}
