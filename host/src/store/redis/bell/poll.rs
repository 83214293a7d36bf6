//! Receives rings through the key: a short stream, of which only new entries are
//! read.

use super::Hear;
use super::rings::{KEPT, LEASE, OWN, RUNG, heard};
use crate::record::{Entry, News, StreamId};
use crate::store::Unavailable;
use crate::store::redis::reader::entries;
use crate::store::redis::store::RedisStore;
use crate::store::time::millis;
use redis::Value;
use std::time::Duration;
use tokio::time::Instant;

/// The pause between two reads of the key.
const LOOK: Duration = Duration::from_millis(20);
/// The pause between two checks for the key, and between two of our own entries
/// in it.
const SECOND: Duration = Duration::from_secs(1);

/// Our position in the key.
struct KeyCursor {
    last: StreamId,
    /// Whether that entry was read: if it is gone, entries after it may be gone,
    /// too.
    seen: bool,
    /// Whether the channel does not work, so that published entries are news,
    /// too.
    alone: bool,
}

impl RedisStore {
    /// Reads the key while it exists, and keeps it in existence while the channel
    /// does not work.
    pub(super) async fn poll(&self, hear: Hear<'_>) {
        let mut place = None;
        loop {
            let alone = self.ears.polls();
            match self.enter_key(alone).await {
                Ok(Some(now)) => {
                    let place = place.get_or_insert_with(|| begin(now, hear));
                    if alone && !std::mem::replace(&mut place.alone, alone) && place.seen {
                        // Entries that were also published were skipped until
                        // now.
                        hear(News::Missed);
                    }
                    place.alone = alone;
                    let read = self.watch_key(place, hear).await;
                    self.key_was_read(read).await;
                }
                Ok(None) => {
                    place = None;
                    self.key_was_read(Ok(())).await;
                    self.ears.rest(SECOND).await;
                }
                Err(error) => self.key_was_read(Err(error)).await,
            }
        }
    }

    async fn key_was_read(&self, read: Result<(), Unavailable>) {
        let failed = read.is_err();
        self.ears.key_read(read.map_err(|error| error.to_string()));
        if failed {
            self.ears.rest(SECOND / 2).await;
        }
    }

    /// Adds an entry of our own, as a small one to continue from, and returns its
    /// id; `None` if nobody needs the key. An edge that needs the key creates it
    /// and extends its expiry.
    async fn enter_key(&self, alone: bool) -> Result<Option<StreamId>, Unavailable> {
        let mut pipe = redis::pipe();
        let add = pipe.cmd("XADD").arg(&self.keys.news);
        if !alone {
            add.arg("NOMKSTREAM");
        }
        add.arg("MAXLEN").arg("~").arg(KEPT).arg("*");
        add.arg("type").arg(RUNG).arg("data").arg(OWN);
        if alone {
            let keep = pipe.cmd("PEXPIRE").arg(&self.keys.news);
            keep.arg(millis(LEASE)).ignore();
        }
        let (id,): (Option<String>,) = self.query(&pipe).await?;
        Ok(id.and_then(|id| id.parse().ok()))
    }

    /// Reads the key for a second, or until it is gone.
    async fn watch_key(&self, place: &mut KeyCursor, hear: Hear<'_>) -> Result<(), Unavailable> {
        let until = Instant::now() + SECOND;
        while Instant::now() < until && self.ears.polls() == place.alone {
            if !self.look(place, hear).await? {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Reads new entries of the key. Returns whether the key exists.
    async fn look(&self, place: &mut KeyCursor, hear: Hear<'_>) -> Result<bool, Unavailable> {
        let mut pipe = redis::pipe();
        let range = pipe.cmd("XRANGE").arg(&self.keys.news);
        range.arg(place.last.to_string()).arg("+");
        range.arg("COUNT").arg(2 * KEPT);
        let (found,): (Value,) = self.query(&pipe).await?;
        let found = entries(found);
        let Some(last) = found.last().map(|entry| entry.id) else {
            return Ok(false);
        };
        if place.seen && found[0].id != place.last {
            hear(News::Missed);
        }
        let is_new = |entry: &&Entry| !place.seen || entry.id != place.last;
        for entry in found.iter().filter(is_new) {
            if place.alone || *entry.kind != *RUNG.as_bytes() {
                heard(&entry.data).into_iter().for_each(hear);
            }
        }
        (place.last, place.seen) = (last, true);
        Ok(true)
    }
}

/// Starts with reading all streams once. Disconnects from before the start are
/// found in the key, if they are recent.
fn begin(now: StreamId, hear: Hear<'_>) -> KeyCursor {
    hear(News::Missed);
    KeyCursor {
        last: StreamId {
            millis: now.millis.saturating_sub(millis(LEASE)),
            number: 0,
        },
        seen: false,
        alone: false,
    }
}
