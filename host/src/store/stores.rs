//! One type for the two stores.

use super::{
    NewTask, StoreSettings, StoreUrl, Taken, Task, Unavailable, Unsent, Writer, memory, redis,
};
use crate::record::{ClientId, News, Page, StreamName, Want};
use std::time::Duration;

/// A store: creates writers, and reads for all clients.
pub enum Store {
    /// Redis, or a server that speaks its protocol.
    Redis(Box<redis::RedisStore>),
    /// This process's memory, lost when it ends.
    Memory(memory::MemoryStore),
}

impl Store {
    /// Opens the store that `settings` describe. Makes no connection yet.
    ///
    /// # Errors
    /// When the address or a TLS file can't be used.
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

    /// The same store with separate connections: queries on one do not delay the
    /// other.
    pub fn apart(&self) -> Store {
        match self {
            Store::Redis(store) => Store::Redis(Box::new(store.apart())),
            Store::Memory(store) => Store::Memory(store.clone()),
        }
    }

    /// A separate writer, which connects on first use.
    pub fn writer(&self) -> Box<dyn Writer> {
        match self {
            Store::Redis(store) => Box::new(store.writer()),
            Store::Memory(store) => Box::new(store.writer()),
        }
    }

    /// Reads pages of many streams, in the given order: at least one, until they
    /// have about `most` bytes.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(&self, wants: &[Want], most: usize) -> Result<Vec<Page>, Unavailable> {
        match self {
            Store::Redis(store) => store.read(wants, most).await,
            Store::Memory(store) => Ok(store.read(wants)),
        }
    }

    /// Renews the leases of these connected clients, for `lease` from now.
    /// Clients whose events were suppressed while they were away get a mark of
    /// the type [`crate::record::AWAY`] in their streams.
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

    /// Passes the doorbell's messages to `hear` forever, starting with `Missed`
    /// once it listens. `hear` must not block, or rings accumulate.
    pub async fn listen(&self, hear: &(dyn Fn(News) + Send + Sync)) {
        match self {
            Store::Redis(store) => store.listen(hear).await,
            Store::Memory(store) => store.listen(hear).await,
        }
    }

    /// Revokes a client's tokens that were issued before a time, in seconds since
    /// 1970-01-01 UTC, and rings. Revocations of tokens that were issued before
    /// `expired` are removed.
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

    /// Every revocation: the client, and the time in seconds.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revoked(&self) -> Result<Vec<(ClientId, u64)>, Unavailable> {
        match self {
            Store::Redis(store) => store.revoked().await,
            Store::Memory(store) => Ok(store.revoked()),
        }
    }

    /// Makes every listener end a client's connections.
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

    /// Takes a task in order to send it: from now on results that name it reach
    /// its owner. A repeated request does not count against its owner's rate.
    ///
    /// # Errors
    /// When the store does not answer; the task may have been taken.
    pub async fn take_task(&self, new: &NewTask<'_>) -> Result<Taken, Unavailable> {
        match self {
            Store::Redis(store) => store.take_task(new).await,
            Store::Memory(store) => Ok(store.take_task(new)),
        }
    }

    /// Records that workers can have a task: its time-out starts, and a repeated
    /// request need not send it.
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

    /// Gives up a task that could not be sent: it is removed if workers certainly
    /// do not have it; otherwise it may be sent again at once.
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

    /// The state of a task; `None` if it is unknown.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn task(&self, id: &str) -> Result<Option<Task>, Unavailable> {
        match self {
            Store::Redis(store) => store.task(id).await,
            Store::Memory(store) => Ok(store.task(id)),
        }
    }

    /// Times out the tasks without news: notifies their owners with an event of
    /// the type `kind`. Returns how many were notified.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn time_tasks_out(&self, kind: &str) -> Result<usize, Unavailable> {
        match self {
            Store::Redis(store) => store.time_tasks_out(kind).await,
            Store::Memory(store) => Ok(store.time_tasks_out(kind)),
        }
    }

    /// Removes all events of a client's stream; connected readers continue with
    /// new ones. Returns how many were removed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn empty_stream(&self, client: &ClientId) -> Result<u64, Unavailable> {
        match self {
            Store::Redis(store) => store.empty_stream(client).await,
            Store::Memory(store) => Ok(store.empty_stream(client)),
        }
    }

    /// The `source` of every entry in a stream, in their order. The store of
    /// another process's memory can't be read.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sources(&self, stream: &StreamName) -> Result<Vec<String>, Unavailable> {
        match self {
            Store::Redis(store) => store.sources(stream).await,
            Store::Memory(_) => Err(Unavailable(
                "a store in memory can't be read from outside of the daemon".into(),
            )),
        }
    }

    /// Problems that need attention while the store still works, and how to fix
    /// them.
    pub fn warnings(&self) -> Vec<String> {
        match self {
            Store::Redis(store) => store.warnings(),
            Store::Memory(_) => Vec::new(),
        }
    }

    /// Why listeners receive no news; `None` if they do, or nobody listens.
    pub fn not_ready(&self) -> Option<String> {
        match self {
            Store::Redis(store) => store.not_ready(),
            Store::Memory(_) => None,
        }
    }

    /// Checks whether the store answers, and warns once about settings that put
    /// events at risk.
    ///
    /// # Errors
    /// The error that it answered.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        match self {
            Store::Redis(store) => store.ping().await,
            Store::Memory(_) => Ok(()),
        }
    }
}
