//! The format of rings.

use crate::record::{ClientId, News, StreamKind, StreamName};
use std::time::Duration;

/// A ring of our own; no name contains a control character.
pub(super) const OWN: &[u8] = b"\0";

/// The byte before the name of a group with news; a client's has none.
const GROUP: u8 = 1;

const DISCONNECT: u8 = 2;

const REVOKED: u8 = 3;

/// A ring was lost: every stream may have news.
pub(super) const LOST: u8 = 4;

/// About how many rings the key holds: an edge that falls further behind reads
/// every stream once.
pub(in crate::store::redis) const KEPT: usize = 1000;

/// How long the key lives after it was last needed.
pub(in crate::store::redis) const LEASE: Duration = Duration::from_secs(10);

/// An entry's type in the key says whether the ring was also published.
pub(super) const RUNG: &str = "rung";

pub(super) const UNRUNG: &str = "unrung";

/// A ring for streams that have news.
pub(in crate::store::redis) fn lines<'a>(
    streams: impl Iterator<Item = (StreamKind, &'a [u8])>,
) -> Vec<u8> {
    let mut all = Vec::new();
    for (index, (kind, name)) in streams.enumerate() {
        if index > 0 {
            all.push(b'\n');
        }
        if kind == StreamKind::Group {
            all.push(GROUP);
        }
        all.extend_from_slice(name);
    }
    all
}

/// A ring that ends a client's connections.
pub(in crate::store::redis) fn disconnect(client: &ClientId) -> Vec<u8> {
    [&[DISCONNECT], client.as_str().as_bytes()].concat()
}

/// A ring that announces a revocation.
pub(in crate::store::redis) fn revoked(client: &ClientId, before: u64) -> Vec<u8> {
    let (client, before) = (client.as_str().as_bytes(), before.to_string());
    [&[REVOKED], client, &[REVOKED], before.as_bytes()].concat()
}

/// Parses the rest of such a ring. Older releases send no time.
fn revocation(rest: &[u8]) -> Option<(ClientId, u64)> {
    let end = rest.iter().position(|byte| *byte == REVOKED)?;
    let before = std::str::from_utf8(&rest[end + 1..]).ok()?;
    Some((ClientId::new(&rest[..end]).ok()?, before.parse().ok()?))
}

pub(super) fn heard(ring: &[u8]) -> Vec<News> {
    let mut bells = Vec::new();
    let mut news = Vec::new();
    for line in ring.split(|b| *b == b'\n') {
        match line {
            [GROUP, name @ ..] => news.extend(StreamName::new(StreamKind::Group, name)),
            [DISCONNECT, name @ ..] => bells.extend(ClientId::new(name).map(News::Disconnect)),
            [REVOKED, rest @ ..] => bells.push(News::Revoked(revocation(rest))),
            [LOST] => bells.push(News::Missed),
            name => news.extend(StreamName::new(StreamKind::Client, name)),
        }
    }
    if !news.is_empty() {
        bells.push(News::Streams(news));
    }
    bells
}
