//! Adapts the store to `sse`. Neither knows of the other.

use crate::record::{ClientId, News, Page, Want};
use crate::sse::{BoxFuture, Streams};
use crate::store::{Store, Unavailable};
use std::sync::Arc;
use std::time::Duration;

/// The store as [`crate::sse`] uses it.
pub struct StoreStreams(pub Arc<Store>);

fn text<T>(answer: Result<T, Unavailable>) -> Result<T, String> {
    answer.map_err(|error| error.to_string())
}

impl Streams for StoreStreams {
    fn read(&self, wants: Vec<Want>, most: usize) -> BoxFuture<'_, Result<Vec<Page>, String>> {
        Box::pin(async move { text(self.0.read(&wants, most).await) })
    }

    fn listen(&self, hear: Box<dyn Fn(News) + Send + Sync>) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.0.listen(&hear).await })
    }

    fn keep_interest(
        &self,
        clients: Vec<ClientId>,
        lease: Duration,
    ) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { text(self.0.keep_interest(&clients, lease).await) })
    }

    fn revoked(&self) -> BoxFuture<'_, Result<Vec<(ClientId, u64)>, String>> {
        Box::pin(async move { text(self.0.revoked().await) })
    }

    fn revoke(
        &self,
        client: ClientId,
        before: u64,
        expired: Option<u64>,
    ) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { text(self.0.revoke(&client, before, expired).await) })
    }

    fn disconnect(&self, client: ClientId) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { text(self.0.disconnect(&client).await) })
    }

    fn empty(&self, client: ClientId) -> BoxFuture<'_, Result<u64, String>> {
        Box::pin(async move { text(self.0.empty_stream(&client).await) })
    }
}
