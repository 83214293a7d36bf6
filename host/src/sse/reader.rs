//! The one reader: fetches for everyone who may have news, in one round trip.

use super::connection::{Connection, Position};
use super::frame;
use super::hub::Hub;
use crate::record::{ClientId, Page, Want};
use bytes::Bytes;
use metrics::counter;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Clients in one round trip.
const CLIENTS: usize = 512;
/// Entries of one stream in one round trip.
const ENTRIES: usize = 128;

/// What was asked of one stream, and for whom.
struct Asked {
    client: ClientId,
    position: Position,
    connections: Vec<Arc<Connection>>,
}

/// Reads until the process ends.
pub(super) async fn run(hub: Arc<Hub>) {
    let sent = counter!("millstream_sse_events_total");
    loop {
        hub.news.notified().await;
        let asked = asked(&hub);
        if asked.is_empty() {
            continue;
        }
        let wants = asked.iter().map(want).collect();
        match hub.streams.read(wants).await {
            Ok(pages) => {
                trouble(&hub, None);
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

/// One question for each place in each stream that someone is at.
fn asked(hub: &Hub) -> Vec<Asked> {
    let mut all = Vec::new();
    for (client, connections) in hub.take_dirty(CLIENTS) {
        let mut places: HashMap<Position, Vec<Arc<Connection>>> = HashMap::new();
        for connection in connections {
            if let Some(position) = connection.wants() {
                places.entry(position).or_default().push(connection);
            }
        }
        all.extend(places.into_iter().map(|(position, connections)| Asked {
            client: client.clone(),
            position,
            connections,
        }));
    }
    all
}

fn want(asked: &Asked) -> Want {
    let (after, check_gap) = match asked.position {
        Position::Unknown => (None, false),
        Position::Resumed(id) => (Some(id), true),
        Position::At(id) => (Some(id), false),
    };
    Want {
        client: asked.client.clone(),
        after,
        limit: ENTRIES,
        check_gap,
    }
}

/// Encodes each entry once, for all.
fn give(hub: &Hub, asked: &Asked, page: &Page, sent: &metrics::Counter) {
    let frames: Vec<Bytes> = page.entries.iter().map(frame::event).collect();
    sent.increment((frames.len() * asked.connections.len()) as u64);
    let mut more = false;
    for connection in &asked.connections {
        more |= connection.give(asked.position, page, &frames, ENTRIES);
    }
    if more {
        hub.ring(&asked.client);
    }
}
