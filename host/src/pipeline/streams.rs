//! The store as SSE reads it: neither knows of the other.

use crate::record::{ClientId, Page, Want};
use crate::sse::{BoxFuture, News, Streams};
use crate::store::{Bell, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A store, for [`crate::sse`].
pub struct StoreStreams(pub Arc<Store>);

impl Streams for StoreStreams {
    fn read(&self, wants: Vec<Want>) -> BoxFuture<'_, Result<Vec<Page>, String>> {
        Box::pin(async move { self.0.read(&wants).await.map_err(|e| e.to_string()) })
    }

    fn listen(&self, news: mpsc::Sender<News>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // As bounded as what it feeds: a full one makes the store's side wait.
            let (bells, mut rung) = mpsc::channel(64);
            let pass_on = async {
                while let Some(bell) = rung.recv().await {
                    let told = match bell {
                        Bell::News(clients) => News::Of(clients),
                        Bell::Missed => News::Missed,
                    };
                    if news.send(told).await.is_err() {
                        return;
                    }
                }
            };
            tokio::select! {
                () = self.0.listen(bells) => {}
                () = pass_on => {}
            }
        })
    }

    fn keep_interest(
        &self,
        clients: Vec<ClientId>,
        lease: Duration,
    ) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            self.0
                .keep_interest(&clients, lease)
                .await
                .map_err(|e| e.to_string())
        })
    }
}
