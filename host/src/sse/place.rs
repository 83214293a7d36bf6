//! Where a connection is in the streams that it follows, and whose it is.

use super::feed::Feed;
use crate::record::{ClientId, StreamId};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

/// A place behind an entry of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct EntryPlace {
    pub id: StreamId,
    /// How many entries the stream had been given up to that one, where it is
    /// known: by that it shows exactly whether any were removed unread.
    pub counted: Option<u64>,
}

impl From<StreamId> for EntryPlace {
    fn from(id: StreamId) -> EntryPlace {
        EntryPlace { id, counted: None }
    }
}

/// How far a connection is in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Position {
    /// It waits to be told where the stream ends.
    Unknown,
    /// It wants all there is.
    Oldest,
    /// It goes on after this entry; whether those behind it are still there has
    /// to be asked.
    Unverified(EntryPlace),
    /// It has everything up to here.
    At(EntryPlace),
}

impl Position {
    /// The entry that it is behind.
    pub fn id(self) -> StreamId {
        match self {
            Position::Unknown | Position::Oldest => StreamId::default(),
            Position::Unverified(place) | Position::At(place) => place.id,
        }
    }
}

/// What became of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    /// Events that the connection took.
    pub events: usize,
    /// There may be more for it, and room.
    pub more: bool,
    /// It has begun: its other streams may be read.
    pub opened: bool,
}

/// A stream that a connection follows.
pub(super) struct Follow {
    pub feed: Arc<Feed>,
    /// The group's name as it stands in an id; empty for the client's own.
    pub encoded: Box<str>,
    pub begin: Position,
}

/// Who is at the other end, and since when.
pub(super) struct Reader {
    pub client: ClientId,
    pub address: IpAddr,
    pub since: SystemTime,
    /// When its token was issued, in seconds since 1970-01-01 UTC.
    pub issued_at: Option<u64>,
    /// When its token expires, likewise.
    pub expires: Option<u64>,
}
