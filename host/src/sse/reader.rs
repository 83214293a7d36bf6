//! The one reader: fetches for everyone who may have news, in one round trip.

use super::connection::{Connection, Position};
use super::frame;
use super::hub::Hub;
use crate::record::{ClientId, Page, StreamId, Want};
use bytes::Bytes;
use metrics::counter;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// The most clients in one round trip.
const CLIENTS: usize = 512;
/// Bytes that one round trip should bring at most: what is larger, by as much
/// as its streams' entries are, makes the next ones ask for fewer clients.
const BYTES: usize = 16 << 20;

/// What was asked of one stream, and for whom.
struct Asked {
    client: ClientId,
    position: Position,
    /// The most entries.
    limit: usize,
    connections: Vec<Arc<Connection>>,
}

/// Reads until the process ends.
pub(super) async fn run(hub: Arc<Hub>) {
    let sent = counter!("millstream_sse_events_total");
    let mut clients = 8;
    loop {
        hub.news.notified().await;
        let asked = asked(&hub, clients);
        if asked.is_empty() {
            continue;
        }
        let wants = asked.iter().map(want).collect();
        match hub.streams.read(wants).await {
            Ok(pages) => {
                trouble(&hub, None);
                clients = match bytes(&pages) {
                    0..BYTES => (clients * 2).min(CLIENTS),
                    _ => (clients / 2).max(1),
                };
                for (asked, page) in asked.iter().zip(&pages) {
                    give(&hub, asked, page, &sent);
                }
            }
            Err(error) => {
                trouble(&hub, Some(error));
                tokio::time::sleep(Duration::from_millis(200)).await;
                asked.iter().for_each(|asked| hub.ring(&asked.client));
            }
        }
    }
}

fn trouble(hub: &Hub, now: Option<String>) {
    let mut noted = hub.trouble.lock().unwrap_or_else(PoisonError::into_inner);
    if let (None, Some(error)) = (&*noted, &now) {
        tracing::warn!(error, "streams can't be read");
    }
    *noted = now;
}

fn bytes(pages: &[Page]) -> usize {
    let entries = pages.iter().flat_map(|page| &page.entries);
    entries.map(|entry| entry.data.len()).sum()
}

/// One question for each place in each stream that someone is at.
fn asked(hub: &Hub, clients: usize) -> Vec<Asked> {
    let mut all = Vec::new();
    for (client, connections) in hub.take_dirty(clients) {
        let mut places: HashMap<Position, (usize, Vec<Arc<Connection>>)> = HashMap::new();
        for connection in connections {
            if let Some((position, limit)) = connection.wants() {
                let (least, there) = places.entry(position).or_insert((limit, Vec::new()));
                *least = limit.min(*least);
                there.push(connection);
            }
        }
        all.extend(
            places
                .into_iter()
                .map(|(position, (limit, connections))| Asked {
                    client: client.clone(),
                    position,
                    limit,
                    connections,
                }),
        );
    }
    all
}

fn want(asked: &Asked) -> Want {
    let (after, check_gap) = match asked.position {
        Position::Unknown => (None, false),
        Position::Oldest => (Some(StreamId::default()), false),
        Position::Unsure(id) => (Some(id), true),
        Position::At(id) => (Some(id), false),
    };
    Want {
        stream: crate::record::StreamName::Client(asked.client.clone()),
        after,
        limit: asked.limit,
        check_gap,
    }
}

/// Encodes each entry once, for all.
fn give(hub: &Hub, asked: &Asked, page: &Page, sent: &metrics::Counter) {
    let frames: Vec<Bytes> = page.entries.iter().map(frame::event).collect();
    let mut more = false;
    for connection in &asked.connections {
        let given = connection.give(asked.position, page, &frames, asked.limit);
        sent.increment(given.events as u64);
        more |= given.more;
    }
    if more {
        hub.ring(&asked.client);
    }
}
