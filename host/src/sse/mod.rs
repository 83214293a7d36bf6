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

use crate::record::{ClientId, Page, Want};
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc;

/// A future in a box.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who may have news.
#[derive(Debug)]
pub enum News {
    /// These clients.
    Of(Vec<ClientId>),
    /// Everyone: something may have been missed.
    Missed,
}

/// Where streams are read.
pub trait Streams: Send + Sync + 'static {
    /// Reads many pages in one round trip, in the order asked.
    fn read(&self, wants: Vec<Want>) -> BoxFuture<'_, Result<Vec<Page>, String>>;

    /// Sends news until the receiver is gone, beginning with `Missed` once
    /// nothing can be missed any more.
    fn listen(&self, news: mpsc::Sender<News>) -> BoxFuture<'_, ()>;

    /// Notes that these clients are connected, for `lease` from now.
    fn keep_interest(
        &self,
        clients: Vec<ClientId>,
        lease: Duration,
    ) -> BoxFuture<'_, Result<(), String>>;
}
