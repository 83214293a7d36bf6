//! The two stores behind one name.

use super::{
    NewTask, StoreSettings, StoreUrl, Taken, Task, Unavailable, Unsent, Writer, memory, redis,
};
use crate::record::{ClientId, News, Page, Want};
use std::time::Duration;

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
    /// When the address can't be used, or a file for TLS can't.
    pub fn open(settings: &StoreSettings) -> anyhow::Result<Store> {
        Ok(match &settings.url {
            StoreUrl::Memory => Store::Memory(memory::MemoryStore::new(settings.retention)),
            StoreUrl::Redis(client) => {
                let client = match &settings.tls {
                    Some(tls) => redis::over_tls(client, tls)?,
                    None => (**client).clone(),
                };
                Store::Redis(Box::new(redis::RedisStore::new(client, settings)))
            }
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

    /// Reads pages of many streams, in the order asked: at least one, and no
    /// more when they have brought about `most` bytes.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(&self, wants: &[Want], most: usize) -> Result<Vec<Page>, Unavailable> {
        match self {
            Store::Redis(store) => store.read(wants, most).await,
            Store::Memory(store) => Ok(store.read(wants)),
        }
    }

    /// Notes that these clients are connected, for `lease` from now. Those that
    /// were away while events were suppressed for them find a mark of the type
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
    pub async fn listen(&self, hear: &(dyn Fn(News) + Send + Sync)) {
        match self {
            Store::Redis(store) => store.listen(hear).await,
            Store::Memory(store) => store.listen(hear).await,
        }
    }

    /// Revokes a client's tokens that were issued before a time, in seconds
    /// since 1970-01-01 UTC, and rings. Revocations of tokens that were issued
    /// before `expired` are forgotten.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revoke(
        &self,
        client: &ClientId,
        before: u64,
        expired: Option<u64>,
    ) -> Result<(), Unavailable> {
        match self {
            Store::Redis(store) => store.revoke(client, before, expired).await,
            Store::Memory(store) => {
                store.revoke(client, before, expired);
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

    /// What could not be sent is forgotten where workers certainly do not have
    /// it, and otherwise it may be sent again at once.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn give_task_up(&self, unsent: &Unsent<'_>) -> Result<(), Unavailable> {
        match self {
            Store::Redis(store) => store.give_task_up(unsent).await,
            Store::Memory(store) => {
                store.give_task_up(unsent);
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

    /// What is amiss while the store serves all the same, and what mends it.
    pub fn warnings(&self) -> Vec<String> {
        match self {
            Store::Redis(store) => store.warnings(),
            Store::Memory(_) => Vec::new(),
        }
    }

    /// Why whoever listens hears nothing; `None` where they do, or nobody
    /// listens.
    pub fn not_ready(&self) -> Option<String> {
        match self {
            Store::Redis(store) => store.not_ready(),
            Store::Memory(_) => None,
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
