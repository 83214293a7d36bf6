//! Streams to browsers: Server-Sent Events.
//!
//! Promises: a connection begins where it asked, gets each entry after that
//! once and in order, and is told where entries may be missing; no connection
//! costs a connection or a blocking read at the store; one that does not read
//! holds a bounded number of bytes and nobody up. This folder deliberately
//! knows nothing of Redis or Kafka: it asks [`Streams`].
//!
//! ```text
//! doorbell ─→ feeds that have news ─→ the one reader ─→ a page's frames, encoded once
//!                                       ─→ each follower's buffer ─→ its socket
//! ```

mod clock;
mod connection;
mod connections;
pub mod cursor;
mod feed;
pub mod frame;
mod handler;
mod hub;
mod leases;
mod limits;
mod pages;
mod place;
mod presence;
mod reader;
mod registry;
pub mod request;
mod revocations;
mod room;
mod send_buffer;
mod socket;
mod start;
mod stream;
mod wheel;

pub use connections::Connected;
pub use handler::{Extra, SseHandler};
pub use hub::Hub;
pub use limits::SseSettings;
pub use presence::{
    Presence, Sender as PresenceSender, channel as presence_channel, lost as presence_lost,
};

use crate::record::{ClientId, News, Page, Want};
use std::pin::Pin;
use std::time::Duration;

/// A future in a box.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where streams are read.
pub trait Streams: Send + Sync + 'static {
    /// Reads many pages, in the order asked: at least one, and no more when they
    /// have brought about `most` bytes.
    fn read(&self, wants: Vec<Want>, most: usize) -> BoxFuture<'_, Result<Vec<Page>, String>>;

    /// Hands news to `hear`, for good, beginning with `Missed` once nothing can
    /// be missed any more. `hear` does not block.
    fn listen(&self, hear: Box<dyn Fn(News) + Send + Sync>) -> BoxFuture<'_, ()>;

    /// Notes that these clients are connected, for `lease` from now, and marks
    /// in the streams of those that were away what was suppressed for them.
    fn keep_interest(
        &self,
        clients: Vec<ClientId>,
        lease: Duration,
    ) -> BoxFuture<'_, Result<(), String>>;

    /// Every revocation: whose tokens, issued before which time (s since 1970).
    fn revoked(&self) -> BoxFuture<'_, Result<Vec<(ClientId, u64)>, String>>;

    /// Adds a revocation, and tells everyone who listens. Those of tokens that
    /// were issued before `expired` are forgotten.
    fn revoke(
        &self,
        client: ClientId,
        before: u64,
        expired: Option<u64>,
    ) -> BoxFuture<'_, Result<(), String>>;

    /// Has everyone who listens end a client's connections.
    fn disconnect(&self, client: ClientId) -> BoxFuture<'_, Result<(), String>>;

    /// Removes all events of a client's stream; answers how many there were.
    fn empty(&self, client: ClientId) -> BoxFuture<'_, Result<u64, String>>;
}
