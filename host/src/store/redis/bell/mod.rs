//! The doorbell: its messages, and the two ways to receive them.
//!
//! A ring is published on a channel, and written to a short stream (the key
//! `news`) if that exists. Edges subscribe to the channel. An edge that can't
//! subscribe, or receives nothing, creates the key and polls it, so batches pay
//! for the key only then. A writer that may not publish creates the key itself;
//! every edge checks for it once a second.

mod change;
mod ears;
mod poll;
mod ringer;
mod rings;
mod subscribe;

pub(super) use ears::Ears;
pub(super) use ringer::Ringer;
pub(super) use rings::{KEPT, LEASE, disconnect, lines, revoked};

use super::store::RedisStore;
use crate::record::News;

type Hear<'a> = &'a (dyn Fn(News) + Send + Sync + 'a);

impl RedisStore {
    pub(in crate::store) async fn listen(&self, hear: Hear<'_>) {
        tokio::join!(self.subscribe(hear), self.poll(hear));
    }
}
