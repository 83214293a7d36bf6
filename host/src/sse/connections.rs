//! Who is connected, for people; and ending their connections, wherever they
//! are.

use super::hub::Hub;
use crate::record::{ClientId, StreamId, StreamName, Want};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

/// Streams asked of the store at once.
const SOME: usize = 512;

/// A connection as it is now.
#[derive(Clone, Debug)]
pub struct Connected {
    /// Whose.
    pub client: ClientId,
    /// From where.
    pub address: IpAddr,
    /// Since when.
    pub since: SystemTime,
    /// Groups it follows.
    pub groups: Vec<String>,
    /// Its cursor, as the client would resume at it.
    pub cursor: String,
    /// Bytes that wait for its socket.
    pub queued: usize,
    /// How much later than its place the client's own stream ends, in
    /// milliseconds; `None` where the store did not say.
    pub behind_ms: Option<u64>,
}

impl Hub {
    /// Up to `most` connections here, of one client or of all, by client; and
    /// how many there are.
    pub async fn connections(&self, of: Option<&ClientId>, most: usize) -> (Vec<Connected>, usize) {
        let mut connections = match of {
            Some(client) => self.of(client),
            None => self.everyone(),
        };
        let count = connections.len();
        connections.sort_by(|a, b| a.reader.client.cmp(&b.reader.client));
        connections.truncate(most);
        let mut all = Vec::with_capacity(connections.len());
        for some in connections.chunks(SOME) {
            let ends = self.ends(some).await;
            let ends = ends.into_iter().map(Some).chain(std::iter::repeat(None));
            all.extend(some.iter().zip(ends).map(|(connection, end)| {
                let (cursor, queued) = connection.describe();
                let at = connection.own_place();
                let names = connection.follows.iter().skip(1);
                Connected {
                    client: connection.reader.client.clone(),
                    address: connection.reader.address,
                    since: connection.reader.since,
                    groups: names.map(|f| f.feed.name.as_str().to_owned()).collect(),
                    cursor,
                    queued,
                    behind_ms: end
                        .zip(at)
                        .map(|(end, at)| end.millis.saturating_sub(at.millis)),
                }
            }));
        }
        (all, count)
    }

    /// Where these clients' own streams end; nothing where the store is away.
    async fn ends(&self, connections: &[Arc<super::connection::Connection>]) -> Vec<StreamId> {
        let want = |client: &ClientId| Want {
            stream: StreamName::Client(client.clone()),
            after: None,
            limit: 0,
            check_gap: false,
            counted: None,
        };
        let wants = connections.iter().map(|c| want(&c.reader.client));
        let wants = wants.collect();
        let pages = self.ask(|streams| async move { streams.read(wants, usize::MAX).await });
        let pages = pages.await.unwrap_or_default();
        pages.into_iter().map(|page| page.last).collect()
    }

    /// Ends a client's connections, on every edge.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn disconnect(&self, client: &ClientId) -> Result<(), String> {
        let client = client.clone();
        self.ask(|streams| async move { streams.disconnect(client).await })
            .await
    }

    /// Removes all events of a client's stream; who is connected goes on with
    /// what comes. Answers how many there were.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn empty_stream(&self, client: &ClientId) -> Result<u64, String> {
        let client = client.clone();
        self.ask(|streams| async move { streams.empty(client).await })
            .await
    }

    /// Revokes a client's tokens that were issued before a time, in seconds
    /// since 1970-01-01 UTC, on every edge: their connections end.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revoke(&self, client: &ClientId, before: u64) -> Result<(), String> {
        let client = client.clone();
        let expired = self.expired();
        self.ask(|streams| async move { streams.revoke(client, before, expired).await })
            .await
    }
}
