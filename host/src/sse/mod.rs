//! Streams to browsers: Server-Sent Events.
//!
//! Promises: a connection starts where it asked, receives each later entry once
//! and in order, and is told where entries may be missing. It uses no
//! connection and no blocking read at the store. A client that does not read
//! holds a bounded number of bytes and delays no other. This folder does not
//! know Redis or Kafka: it uses [`Streams`].
//!
//! ```text
//! doorbell ─→ feeds that have news ─→ the one reader ─→ a page's frames, encoded once
//!                                       ─→ each follower's buffer ─→ its socket
//! ```

#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
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

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The source of streams.
pub trait Streams: Send + Sync + 'static {
    /// Reads pages in the order of `wants`: at least one, then more until they
    /// have about `most` bytes.
    fn read(&self, wants: Vec<Want>, most: usize) -> BoxFuture<'_, Result<Vec<Page>, String>>;

    /// Calls `hear` with news until the process ends, first with `Missed` once
    /// no news can be missed any more. `hear` does not block.
    fn listen(&self, hear: Box<dyn Fn(News) + Send + Sync>) -> BoxFuture<'_, ()>;

    /// Records that these clients are connected for `lease` from now, and marks
    /// suppressed events in the streams of clients that were away.
    fn keep_interest(
        &self,
        clients: Vec<ClientId>,
        lease: Duration,
    ) -> BoxFuture<'_, Result<(), String>>;

    /// All revocations: a client, and the time in seconds since 1970 before
    /// which its tokens are revoked.
    fn revoked(&self) -> BoxFuture<'_, Result<Vec<(ClientId, u64)>, String>>;

    /// Adds a revocation and tells every edge. Removes revocations of tokens
    /// issued before `expired`.
    fn revoke(
        &self,
        client: ClientId,
        before: u64,
        expired: Option<u64>,
    ) -> BoxFuture<'_, Result<(), String>>;

    /// Tells every edge to end a client's connections.
    fn disconnect(&self, client: ClientId) -> BoxFuture<'_, Result<(), String>>;

    /// Removes all events of a client's stream. Returns their number.
    fn empty(&self, client: ClientId) -> BoxFuture<'_, Result<u64, String>>;
}
