//! The readers' shared connection, and the state shared by all parts of a store.

use super::bell::{Ears, Ringer};
use super::errors::{PATIENCE, at, broken, unavailable, unreachable};
use super::keys::Keys;
use super::socket::Address;
use super::upkeep::Upkeep;
use super::writer::RedisWriter;
use crate::store::{StoreSettings, Unavailable};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Mutex;

/// The store in one Redis.
pub struct RedisStore {
    pub(super) client: redis::Client,
    address: Address,
    pub(super) settings: StoreSettings,
    pub(super) keys: Arc<Keys>,
    pub(super) ringer: Arc<Ringer>,
    upkeep: Arc<Upkeep>,
    pub(super) ears: Ears,
    /// The readers' one connection; a multiplexed clone is taken out of it.
    reading: Mutex<Option<redis::aio::MultiplexedConnection>>,
    warned: AtomicBool,
}

impl RedisStore {
    /// A store at `client`'s address. Connects on first use.
    pub fn new(client: redis::Client, settings: &StoreSettings) -> RedisStore {
        let keys = Arc::new(Keys::new(&settings.key_prefix));
        let ringer = Arc::new(Ringer::new(&client, &keys));
        let upkeep = Arc::new(Upkeep::new(settings.retention));
        RedisStore::sharing(client, settings, (keys, ringer, upkeep))
    }

    fn sharing(
        client: redis::Client,
        settings: &StoreSettings,
        (keys, ringer, upkeep): (Arc<Keys>, Arc<Ringer>, Arc<Upkeep>),
    ) -> RedisStore {
        RedisStore {
            address: Address::new(client.clone(), settings.tls.clone()),
            client,
            settings: settings.clone(),
            keys,
            ringer,
            upkeep,
            ears: Ears::default(),
            reading: Mutex::new(None),
            warned: AtomicBool::new(false),
        }
    }

    pub(in crate::store) fn apart(&self) -> RedisStore {
        let shared = (self.keys.clone(), self.ringer.clone(), self.upkeep.clone());
        RedisStore::sharing(self.client.clone(), &self.settings, shared)
    }

    pub(in crate::store) fn writer(&self) -> RedisWriter {
        RedisWriter::new(
            self.address.clone(),
            self.keys.clone(),
            self.ringer.clone(),
            self.upkeep.clone(),
        )
    }

    /// Runs `pipe` on the readers' connection; a broken connection is replaced on
    /// the next call.
    pub(super) async fn query<T: redis::FromRedisValue>(
        &self,
        pipe: &redis::Pipeline,
    ) -> Result<T, Unavailable> {
        // Many callers may wait while one tries to connect: none waits longer
        // than a single attempt.
        let connection = tokio::time::timeout(PATIENCE, self.connection()).await;
        let late = |_| {
            let seconds = PATIENCE.as_secs();
            Unavailable(format!(
                "{}: no connection within {seconds} s",
                at(&self.client)
            ))
        };
        let connection = connection.map_err(late)?;
        let mut connection = connection.map_err(|error| unreachable(&self.client, &error))?;
        let answer = pipe.query_async(&mut connection).await;
        if answer.as_ref().is_err_and(broken) {
            *self.reading.lock().await = None;
        }
        answer.map_err(unavailable)
    }

    async fn connection(&self) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
        let mut held = self.reading.lock().await;
        if let Some(connection) = &*held {
            return Ok(connection.clone());
        }
        Ok(held.insert(self.connect().await?).clone())
    }

    async fn connect(&self) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    pub(in crate::store) async fn ping(&self) -> Result<(), Unavailable> {
        let mut pipe = redis::pipe();
        pipe.cmd("PING").ignore();
        self.query::<()>(&pipe).await?;
        if !self.warned.swap(true, Ordering::Relaxed) {
            self.warn_of_eviction().await;
        }
        self.try_publishing().await;
        Ok(())
    }

    pub(in crate::store) fn warnings(&self) -> Vec<String> {
        let publishing = self.ringer.warning().into_iter();
        publishing.chain(self.ears.warning()).collect()
    }

    pub(in crate::store) fn not_ready(&self) -> Option<String> {
        self.ears.not_ready()
    }

    /// A Redis that evicts keys loses ledgers; their records are then processed
    /// again.
    async fn warn_of_eviction(&self) {
        let mut pipe = redis::pipe();
        pipe.cmd("CONFIG").arg("GET").arg("maxmemory-policy");
        let policy: Result<((String, String),), _> = self.query(&pipe).await;
        match policy {
            Ok(((_, policy),)) if policy == "noeviction" || policy.starts_with("volatile-") => {}
            Ok(((_, policy),)) => tracing::warn!(
                policy,
                "Redis may evict ledgers and streams under this maxmemory-policy, so events can be \
                 lost or duplicated: set noeviction or a volatile-* policy"
            ),
            Err(error) => tracing::warn!(
                %error,
                "can't read the maxmemory-policy of Redis; it should be noeviction or volatile-*"
            ),
        }
    }
}
