//! For `tests/bench`: the fan-out of a group's page, without a store and without requests.

use super::connection::Connection;
use super::feed::Feed;
use super::limits::{Limits, SseSettings};
use super::pages::Frames;
use super::place::{EntryPlace, Follow, Position, Reader};
use crate::record::{ClientId, Entry, GroupName, NameError, Page, StreamId, StreamName};
use bytes::Bytes;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::net::TcpStream;

/// The group's stream, after the client's own.
const GROUP: usize = 1;
/// The most entries of a page.
const LIMIT: usize = 128;

/// Connections that follow one group and are at one place in its stream.
pub struct FanOut {
    connections: Vec<Connection>,
    at: EntryPlace,
}

impl FanOut {
    /// A connection for each socket, all of one client.
    ///
    /// # Errors
    /// Never: the names are valid.
    pub fn new(sockets: Vec<TcpStream>) -> Result<FanOut, NameError> {
        let client = ClientId::new(b"client-0001")?;
        let own = Arc::new(Feed::new(StreamName::Client(client.clone())));
        let group = Arc::new(Feed::new(StreamName::Group(GroupName::new(b"team")?)));
        let limits = Arc::new(Limits::new(SseSettings::default()));
        let at = EntryPlace {
            id: StreamId::default(),
            counted: Some(0),
        };
        let follow = |feed: &Arc<Feed>, encoded: &str| Follow {
            feed: feed.clone(),
            encoded: encoded.into(),
            begin: Position::At(at),
        };
        let connect = |socket| {
            let reader = Reader {
                client: client.clone(),
                address: IpAddr::V4(Ipv4Addr::LOCALHOST),
                since: SystemTime::UNIX_EPOCH,
                issued_at: None,
                expires: None,
            };
            let follows = [follow(&own, ""), follow(&group, "team")].into();
            let connection = Connection::new(reader, follows, None, limits.clone(), (true, 2000));
            connection.attach(socket, Bytes::from_static(b"HTTP/1.1 200 OK\r\n\r\n"));
            connection
        };
        Ok(FanOut {
            connections: sockets.into_iter().map(connect).collect(),
            at,
        })
    }

    /// Encodes these events and hands them to every connection. Returns how many events the
    /// connections took.
    pub fn give(&mut self, events: &[(Bytes, Bytes)]) -> usize {
        let mut id = self.at.id;
        let entries = events.iter().map(|(kind, data)| {
            id.number += 1;
            let (kind, data) = (kind.clone(), data.clone());
            Entry { id, kind, data }
        });
        let page = Page {
            entries: entries.collect(),
            counted: Some(id.number),
            ..Page::default()
        };
        let frames = Frames::of(&page.entries);
        let asked = Position::At(self.at);
        let given = self.connections.iter().map(|connection| {
            let given = connection.give(GROUP, asked, (&page, &frames), LIMIT);
            given.events
        });
        let given = given.sum();
        self.at = EntryPlace {
            id,
            counted: page.counted,
        };
        given
    }
}
