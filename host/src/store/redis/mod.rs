//! The store in Redis.
//!
//! Keys (`<p>` is the configured prefix, `{0}` the bucket; a stream, its
//! ledger and its doorbell share the slot, for the day there are several):
//!
//! | key | what |
//! |---|---|
//! | `<p>:{0}:client:<client id>` | the client's stream; fields `type`, `data`, `source` (topic/partition/offset/n, or `task/<task id>` of one that timed out) |
//! | `<p>:{0}:group:<name>` | a group's stream, likewise |
//! | `<p>:{0}:ledger:<group>:<topic>:<partition>` | hash: `next`, `topic-id`, `cluster-id`, `digests`, `attempts` |
//! | `<p>:{0}:partitions:<group>:<topic>` | hash: by the topic's ID, how many partitions it had before the first ledger |
//! | `<p>:{0}:swaps:<group>:<topic>:<partition>` | stream: from which offset on which plugins made the events |
//! | `<p>:{0}:replayed:<group>` | sorted set: where replayed records were at first, by when they were replayed (ms) |
//! | `<p>:{0}:resent:<group>` | sorted set: letters that were sent to their topic again (`<source>#<how often before>`), by when (ms) |
//! | `<p>:{0}:interest` | sorted set of connected clients, by the end of their lease |
//! | `<p>:{0}:withheld` | sorted set of clients that got nothing since they were away, by when (ms) |
//! | `<p>:{0}:revoked` | sorted set of clients, by the time (s) before which their tokens were issued that are of no use |
//! | `<p>:{0}:task:<task id>` | hash: `owner`, `status`, `received` (ms), `updated` (ms), `result` (what was said last), `ended`, and for ourselves `timeout`, `keep`, `until`, `sent` |
//! | `<p>:{0}:due` | sorted set of tasks that have not ended, by when they time out (ms) |
//! | `<p>:{0}:rate:<client id>` | when all that the client asked for is paid (ms) |
//! | `<p>:{0}:repeat:<client id>:<hash>` | what was asked for with this key (a hash), and the task |
//! | `<p>:{0}:bell` | channel; a line each: a client's id or \x01 and a group's name (it has news), \x02 and a client's id (its streams are ended), \x03 and one (look at `revoked`), \x04 (everyone may have news) |
//! | `<p>:{0}:news` | stream of what was rung last, only while an edge can't subscribe or a writer can't publish: `type` (`rung`, or `unrung` where it was not published), `data` (the lines) |

mod answers;
mod bell;
mod clients;
mod commands;
mod doubt;
mod link;
mod look;
mod reader;
mod replay;
mod replays;
mod tasks;
mod tls;
mod upkeep;
mod writer;

pub(super) use tls::over_tls;
pub use writer::RedisWriter;

use super::{StoreSettings, Unavailable};
use bell::{Ears, Ringer};
use commands::Keys;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// How long one answer may take, and one connection to come about. Redis stops
/// for seconds when it saves or fails over; longer than this is "down".
const PATIENCE: Duration = Duration::from_secs(5);

/// The store in one Redis.
pub struct RedisStore {
    client: redis::Client,
    settings: StoreSettings,
    keys: Arc<Keys>,
    ringer: Arc<Ringer>,
    ears: Ears,
    /// The readers' one connection; a multiplexed clone is taken out of it.
    reading: Mutex<Option<redis::aio::MultiplexedConnection>>,
    warned: AtomicBool,
}

impl RedisStore {
    /// A store at `client`'s address. Connects when it is used.
    pub fn new(client: redis::Client, settings: &StoreSettings) -> RedisStore {
        let keys = Arc::new(Keys::new(&settings.key_prefix));
        let ringer = Arc::new(Ringer::new(&client, &keys));
        RedisStore::ringing(client, settings, keys, ringer)
    }

    fn ringing(
        client: redis::Client,
        settings: &StoreSettings,
        keys: Arc<Keys>,
        ringer: Arc<Ringer>,
    ) -> RedisStore {
        RedisStore {
            client,
            settings: settings.clone(),
            keys,
            ringer,
            ears: Ears::default(),
            reading: Mutex::new(None),
            warned: AtomicBool::new(false),
        }
    }

    pub(super) fn apart(&self) -> RedisStore {
        let (keys, ringer) = (self.keys.clone(), self.ringer.clone());
        RedisStore::ringing(self.client.clone(), &self.settings, keys, ringer)
    }

    pub(super) fn writer(&self) -> RedisWriter {
        RedisWriter::new(
            self.client.clone(),
            self.keys.clone(),
            self.ringer.clone(),
            self.settings.retention,
        )
    }

    /// Runs `pipe` on the readers' connection; a broken one is replaced at the
    /// next call.
    async fn query<T: redis::FromRedisValue>(
        &self,
        pipe: &redis::Pipeline,
    ) -> Result<T, Unavailable> {
        // Many may wait for one that connects in vain: none waits for longer
        // than if it had been the one.
        let connection = tokio::time::timeout(PATIENCE, self.connection()).await;
        let late = |_| {
            let seconds = PATIENCE.as_secs();
            Unavailable(format!(
                "{}: no connection in {seconds} s",
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

    pub(super) async fn ping(&self) -> Result<(), Unavailable> {
        let mut pipe = redis::pipe();
        pipe.cmd("PING").ignore();
        self.query::<()>(&pipe).await?;
        if !self.warned.swap(true, Ordering::Relaxed) {
            self.warn_of_eviction().await;
        }
        self.try_publishing().await;
        Ok(())
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let publishing = self.ringer.warning().into_iter();
        publishing.chain(self.ears.warning()).collect()
    }

    pub(super) fn not_ready(&self) -> Option<String> {
        self.ears.not_ready()
    }

    /// An evicting Redis forgets ledgers: records are then processed again.
    async fn warn_of_eviction(&self) {
        let mut pipe = redis::pipe();
        pipe.cmd("CONFIG").arg("GET").arg("maxmemory-policy");
        let policy: Result<((String, String),), _> = self.query(&pipe).await;
        match policy {
            Ok(((_, policy),)) if policy == "noeviction" || policy.starts_with("volatile-") => {}
            Ok(((_, policy),)) => tracing::warn!(
                policy,
                "Redis may evict ledgers and streams under this maxmemory-policy: events can be \
                 lost or doubled; set noeviction, or a volatile-* policy"
            ),
            Err(error) => tracing::warn!(
                %error,
                "can't read Redis' maxmemory-policy; it should be noeviction or volatile-*"
            ),
        }
    }
}

/// Of a connection that there is.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn unavailable(error: redis::RedisError) -> Unavailable {
    Unavailable(format!("Redis: {}", in_words(&error)))
}

/// Of a connection that does not come about: the address may be the wrong one.
fn unreachable(client: &redis::Client, error: &redis::RedisError) -> Unavailable {
    Unavailable(format!("{}: {}", at(client), in_words(error)))
}

/// Host and port alone: a user and a password are nobody's business.
fn at(client: &redis::Client) -> String {
    format!("Redis at {}", client.get_connection_info().addr())
}

fn in_words(error: &redis::RedisError) -> String {
    match error.is_timeout() {
        // The system's words are "resource temporarily unavailable".
        true => format!("no answer in {} s", PATIENCE.as_secs()),
        false => error.to_string(),
    }
}

/// Whether the connection is of no more use.
fn broken(error: &redis::RedisError) -> bool {
    error.is_io_error() || error.is_timeout() || error.is_connection_dropped()
}
