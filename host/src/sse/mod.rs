//! Streams to browsers: Server-Sent Events.
//!
//! Promises: a connection begins where it asked, gets each entry after that
//! once and in order, and is told where entries may be missing; no connection
//! costs a connection or a blocking read at the store; one that does not read
//! holds a bounded number of bytes and nobody up. This folder deliberately
//! knows nothing of Redis or Kafka: it asks [`Streams`].

mod body;
mod connection;
mod frame;
mod handler;
mod hub;
mod reader;

pub use handler::{Extra, SseHandler};
pub use hub::Hub;

use crate::record::{ClientId, Page, StreamName, Want};
use std::pin::Pin;
use std::time::Duration;

/// A future in a box.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who may have news.
#[derive(Debug)]
pub enum News {
    /// These streams.
    Of(Vec<StreamName>),
    /// Everyone: something may have been missed.
    Missed,
    /// This client's connections are to be ended.
    Disconnect(ClientId),
    /// A revocation was added.
    Revoked,
}

/// Where streams are read.
pub trait Streams: Send + Sync + 'static {
    /// Reads many pages in one round trip, in the order asked.
    fn read(&self, wants: Vec<Want>) -> BoxFuture<'_, Result<Vec<Page>, String>>;

    /// Hands news to `hear`, for good, beginning with `Missed` once nothing can
    /// be missed any more. `hear` does not block.
    fn listen(&self, hear: Box<dyn Fn(News) + Send + Sync>) -> BoxFuture<'_, ()>;

    /// Notes that these clients are connected, for `lease` from now.
    fn keep_interest(
        &self,
        clients: Vec<ClientId>,
        lease: Duration,
    ) -> BoxFuture<'_, Result<(), String>>;

    /// Every revocation: whose tokens, issued before which time (s since 1970).
    fn revoked(&self) -> BoxFuture<'_, Result<Vec<(ClientId, u64)>, String>>;
}
