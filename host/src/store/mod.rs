//! Where events and ledgers are kept, and read back.
//!
//! Promises: a batch's events and its ledger move together or not at all; an
//! append answers what is known (`Stored`, `Moved`, `Unknown`, `Unavailable`)
//! and never guesses. Two stores keep the same contract (`tests/e2e/store`): Redis,
//! and the process's memory for trying things out. This folder deliberately
//! knows nothing of Kafka, of plugins, or of what a pipeline does with an
//! answer.

mod ledger;
pub mod memory;
mod protocol;
pub mod redis;
mod replay;
mod settings;
mod tasks;

pub use ledger::{Append, Appended, Ledger, LedgerKey, Refusal, StreamEvent, TaskReport, Unstored};
pub use protocol::Exchange;
pub use replay::{Mark, Replay, Replayed};
pub use settings::{Retention, StoreSettings, StoreUrl};
pub use tasks::{NewTask, RESULT_MAX, Rate, Repeat, Taken, Task};

use crate::record::{ClientId, Page, StreamName, Want};
use std::time::Duration;
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

    /// Stores a batch's events, rings the doorbell and moves the ledger, all
    /// or nothing, if the ledger stands where the append expects it.
    /// `following` is the ledger of the next append, where it is known: its
    /// look-up then rides behind this transaction. After `Unknown` and
    /// `Unavailable` the same append is to be tried again.
    fn append(&mut self, append: &mut Append, following: Option<&LedgerKey>) -> Appended;

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

/// What the doorbell says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bell {
    /// These streams have news.
    News(Vec<StreamName>),
    /// Rings may have been missed: everyone may have news.
    Missed,
    /// This client's connections are to be ended.
    Disconnect(ClientId),
    /// A revocation was added.
    Revoked,
}

/// A store: makes writers, and reads for every client at once.
pub enum Store {
    /// Redis, or what speaks its protocol.
    Redis(Box<redis::RedisStore>),
    /// This process's memory: gone when it ends.
    Memory(memory::MemoryStore),
}

impl Store {
    /// Opens the store that `settings` name. Contacts nobody yet.
    ///
    /// # Errors
    /// When the address can't be used.
    pub fn open(settings: &StoreSettings) -> anyhow::Result<Store> {
        Ok(match &settings.url {
            StoreUrl::Memory => Store::Memory(memory::MemoryStore::new(settings.retention)),
            StoreUrl::Redis(client) => Store::Redis(Box::new(redis::RedisStore::new(
                (**client).clone(),
                settings,
            ))),
        })
    }

    /// The same store, by connections of its own: what is asked here holds up
    /// nobody there.
    pub fn apart(&self) -> Store {
        match self {
            Store::Redis(store) => Store::Redis(Box::new(store.apart())),
            Store::Memory(store) => Store::Memory(store.clone()),
        }
    }

    /// A writer of its own, connecting when it is first used.
    pub fn writer(&self) -> Box<dyn Writer> {
        match self {
            Store::Redis(store) => Box::new(store.writer()),
            Store::Memory(store) => Box::new(store.writer()),
        }
    }

    /// Reads pages of many streams in one round trip, in the order asked.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(&self, wants: &[Want]) -> Result<Vec<Page>, Unavailable> {
        match self {
            Store::Redis(store) => store.read(wants).await,
            Store::Memory(store) => Ok(store.read(wants)),
        }
    }

    /// Notes that these clients are connected, for `lease` from now. Those that
    /// were away while events were withheld from them find a mark of the type
    /// [`crate::record::AWAY`] in their streams.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn keep_interest(
        &self,
        clients: &[ClientId],
        lease: Duration,
    ) -> Result<(), Unavailable> {
        match self {
            Store::Redis(store) => store.keep_interest(clients, lease).await,
            Store::Memory(store) => {
                store.keep_interest(clients, lease);
                Ok(())
            }
        }
    }

    /// Hands what the doorbell says to `hear`, beginning with `Missed` once it
    /// listens, for good. `hear` must not block: who waits makes rings pile up.
    pub async fn listen(&self, hear: &(dyn Fn(Bell) + Send + Sync)) {
        match self {
            Store::Redis(store) => store.listen(hear).await,
            Store::Memory(store) => store.listen(hear).await,
        }
    }

    /// Revokes a client's tokens that were issued before a time, in seconds
    /// since 1970-01-01 UTC, and rings.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revoke(&self, client: &ClientId, before: u64) -> Result<(), Unavailable> {
        match self {
            Store::Redis(store) => store.revoke(client, before).await,
            Store::Memory(store) => {
                store.revoke(client, before);
                Ok(())
            }
        }
    }

    /// Every revocation: whose, and before which time, in seconds.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revoked(&self) -> Result<Vec<(ClientId, u64)>, Unavailable> {
        match self {
            Store::Redis(store) => store.revoked().await,
            Store::Memory(store) => Ok(store.revoked()),
        }
    }

    /// Has every listener end a client's connections.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn disconnect(&self, client: &ClientId) -> Result<(), Unavailable> {
        match self {
            Store::Redis(store) => store.disconnect(client).await,
            Store::Memory(store) => {
                store.disconnect(client);
                Ok(())
            }
        }
    }

    /// Takes a task, to send it: from now on results that name it reach its
    /// owner. One that was asked for before costs its owner nothing of its rate.
    ///
    /// # Errors
    /// When the store does not answer; it may have been taken.
    pub async fn take_task(&self, new: &NewTask<'_>) -> Result<Taken, Unavailable> {
        match self {
            Store::Redis(store) => store.take_task(new).await,
            Store::Memory(store) => Ok(store.take_task(new)),
        }
    }

    /// Notes that workers can have a task: its time begins, and whoever asks
    /// for it again need not send it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn task_is_sent(&self, id: &str) -> Result<(), Unavailable> {
        match self {
            Store::Redis(store) => store.task_is_sent(id).await,
            Store::Memory(store) => {
                store.task_is_sent(id);
                Ok(())
            }
        }
    }

    /// What could not be sent: where workers `certain`ly do not have it, it is
    /// forgotten, and otherwise it may be sent again at once. `repeat` is its
    /// [`Repeat::key`].
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn give_task_up(
        &self,
        id: &str,
        owner: &ClientId,
        repeat: Option<&str>,
        certain: bool,
    ) -> Result<(), Unavailable> {
        match self {
            Store::Redis(store) => store.give_task_up(id, owner, repeat, certain).await,
            Store::Memory(store) => {
                store.give_task_up(id, owner, repeat, certain);
                Ok(())
            }
        }
    }

    /// How a task stands; `None` where it is unknown.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn task(&self, id: &str) -> Result<Option<Task>, Unavailable> {
        match self {
            Store::Redis(store) => store.task(id).await,
            Store::Memory(store) => Ok(store.task(id)),
        }
    }

    /// Ends the time of tasks that got no news in it: their owners are told by
    /// an event of the type `kind`. Answers how many were told.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn time_tasks_out(&self, kind: &str) -> Result<usize, Unavailable> {
        match self {
            Store::Redis(store) => store.time_tasks_out(kind).await,
            Store::Memory(store) => Ok(store.time_tasks_out(kind)),
        }
    }

    /// Removes all events of a client's stream; who is connected goes on with
    /// what comes. Answers how many there were.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn empty_stream(&self, client: &ClientId) -> Result<u64, Unavailable> {
        match self {
            Store::Redis(store) => store.empty_stream(client).await,
            Store::Memory(store) => Ok(store.empty_stream(client)),
        }
    }

    /// Asks the store whether it answers, and warns once of settings that put
    /// events at risk.
    ///
    /// # Errors
    /// What it answered instead.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        match self {
            Store::Redis(store) => store.ping().await,
            Store::Memory(_) => Ok(()),
        }
    }
}
