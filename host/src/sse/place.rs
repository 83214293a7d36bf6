//! A connection's place in the streams that it follows, and its reader.

use super::feed::Feed;
use crate::record::{ClientId, StreamId};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

/// A place after an entry of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct EntryPlace {
    pub id: StreamId,
    /// How many entries had been added to the stream up to this one, if known.
    /// It shows exactly whether any were removed unread.
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
    /// Not known yet: the store is asked where the stream ends.
    Unknown,
    /// Before the oldest entry.
    Oldest,
    /// After this entry; whether the entries after it still exist must be
    /// checked.
    Unverified(EntryPlace),
    /// After this entry, and everything up to it was read.
    At(EntryPlace),
}

impl Position {
    /// The id of the last entry before this position.
    pub fn id(self) -> StreamId {
        match self {
            Position::Unknown | Position::Oldest => StreamId::default(),
            Position::Unverified(place) | Position::At(place) => place.id,
        }
    }
}

/// The result of handing a page to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    /// Events that the connection took.
    pub events: usize,
    /// There may be more entries for it, and it has room.
    pub more: bool,
    /// The stream was opened by this: its other streams may be read.
    pub opened: bool,
}

/// A stream that a connection follows.
pub(super) struct Follow {
    pub feed: Arc<Feed>,
    /// The group's name as encoded in an id; empty for the client's own stream.
    pub encoded: Box<str>,
    pub begin: Position,
}

/// Who reads a stream.
pub(super) struct Reader {
    pub client: ClientId,
    pub address: IpAddr,
    pub since: SystemTime,
    /// When its token was issued, in seconds since 1970-01-01 UTC.
    pub issued_at: Option<u64>,
    /// When its token expires, in seconds since 1970-01-01 UTC.
    pub expires: Option<u64>,
}
