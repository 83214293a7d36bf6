//! Lists connections for the admin API, and ends them on every edge.

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
    /// The client.
    pub client: ClientId,
    /// Its address.
    pub address: IpAddr,
    /// When it connected.
    pub since: SystemTime,
    /// The groups that it follows.
    pub groups: Vec<String>,
    /// The cursor at which the client would resume.
    pub cursor: String,
    /// Bytes that wait for its socket.
    pub queued: usize,
    /// How far the client is behind the end of its own stream, in milliseconds;
    /// `None` if the store did not answer.
    pub behind_ms: Option<u64>,
}

impl Hub {
    /// Up to `most` connections of this edge, of one client or of all, sorted
    /// by client; and their total number.
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

    /// The ends of these clients' own streams; empty if the store does not
    /// answer.
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

    /// Ends a client's connections on every edge.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn disconnect(&self, client: &ClientId) -> Result<(), String> {
        let client = client.clone();
        self.ask(|streams| async move { streams.disconnect(client).await })
            .await
    }

    /// Removes all events of a client's stream. Connected clients continue with
    /// new events. Returns the number removed.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn empty_stream(&self, client: &ClientId) -> Result<u64, String> {
        let client = client.clone();
        self.ask(|streams| async move { streams.empty(client).await })
            .await
    }

    /// Revokes a client's tokens that were issued before a time, in seconds
    /// since 1970-01-01 UTC, on every edge. Their connections end.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn revoke(&self, client: &ClientId, before: u64) -> Result<(), String> {
        let client = client.clone();
        let expired = self.expired();
        self.ask(|streams| async move { streams.revoke(client, before, expired).await })
            .await
    }
}
