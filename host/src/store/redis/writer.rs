//! One worker's connection, and what is known of it. What it is asked is in
//! `append.rs` and `replay.rs`.

use super::bell::Ringer;
use super::keys::Keys;
use super::link::Link;
use super::upkeep::Upkeep;
use crate::store::{Ledger, LedgerKey, Retention};
use std::sync::Arc;

/// One worker's connection.
pub struct RedisWriter {
    pub(super) link: Link,
    pub(super) keys: Arc<Keys>,
    pub(super) ringer: Arc<Ringer>,
    pub(super) max_events: u64,
    pub(super) upkeep: Upkeep,
    /// The connection is inside MULTI: a look has ended, and its transaction was
    /// not sent yet.
    pub(super) inside: bool,
    /// The look that rode behind the last transaction.
    pub(super) ahead: Option<Ahead>,
    /// Redis' time at the last look, in milliseconds: the ids of events are of
    /// its clock, and ours may be hours away from it.
    pub(super) now: u64,
    /// Likewise, 0 where Redis did not say: what is stored after the look has
    /// ids of this time or later.
    pub(super) since: u64,
}

/// A look that rode behind a transaction.
pub(super) struct Ahead {
    pub key: LedgerKey,
    pub ledger: Option<Ledger>,
}

impl RedisWriter {
    pub(super) fn new(
        client: redis::Client,
        keys: Arc<Keys>,
        ringer: Arc<Ringer>,
        retention: Retention,
    ) -> RedisWriter {
        RedisWriter {
            link: Link::new(client),
            keys,
            ringer,
            max_events: retention.max_events,
            upkeep: Upkeep::new(retention),
            inside: false,
            ahead: None,
            now: 0,
            since: 0,
        }
    }
}
