//! One worker's connection and its state. Its operations are in `append.rs` and
//! `replay.rs`.

use super::bell::Ringer;
use super::events::Events;
use super::keys::Keys;
use super::link::Link;
use super::resp::Commands;
use super::socket::Address;
use super::streams::Distinct;
use super::upkeep::Upkeep;
use crate::store::{Ledger, LedgerKey};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// One worker's connection.
pub struct RedisWriter {
    pub(super) link: Link,
    pub(super) keys: Arc<Keys>,
    pub(super) ringer: Arc<Ringer>,
    pub(super) events: Events,
    pub(super) distinct: Distinct,
    /// The buffer of the transactions.
    pub(super) commands: Commands,
    pub(super) upkeep: Arc<Upkeep>,
    /// Whether the connection is inside MULTI: a look has ended, and its
    /// transaction has not been sent.
    pub(super) inside: bool,
    /// The look-ahead that was sent with the last transaction.
    pub(super) ahead: Option<Ahead>,
    /// How long the latest looks took.
    pub(super) looks: VecDeque<Duration>,
    /// Redis's time at the last look, in milliseconds: event ids use its clock,
    /// and ours may differ by hours.
    pub(super) now: u64,
    /// The same, but 0 if Redis did not answer TIME: events stored after the look
    /// have ids from this time or later.
    pub(super) since: u64,
}

/// A look-ahead that was sent with a transaction.
pub(super) struct Ahead {
    pub key: LedgerKey,
    pub ledger: Option<Ledger>,
}

impl RedisWriter {
    pub(super) fn new(
        address: Address,
        keys: Arc<Keys>,
        ringer: Arc<Ringer>,
        upkeep: Arc<Upkeep>,
    ) -> RedisWriter {
        RedisWriter {
            link: Link::new(address),
            keys,
            ringer,
            events: Events::new(upkeep.max_events),
            distinct: Distinct::new(upkeep.hasher.clone()),
            commands: Commands::default(),
            upkeep,
            inside: false,
            ahead: None,
            looks: VecDeque::new(),
            now: 0,
            since: 0,
        }
    }
}
