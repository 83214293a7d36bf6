//! The doorbell: what is rung, and the two ways in which it is heard.
//!
//! A ring is published on a channel, and written into a short stream (the key
//! `news`) if that exists. Edges subscribe to the channel. Where one can't, or
//! hears nothing, it makes the key and polls it; so batches pay for the key
//! only then. A writer that may not publish makes the key itself, which every
//! edge looks for once a second.

mod change;
mod ears;
mod poll;
mod ringer;
mod rings;
mod subscribe;

pub(super) use ears::Ears;
pub(super) use ringer::{Ringer, Rung};
pub(super) use rings::{KEPT, LEASE, disconnect, lines, revoked};

use super::store::RedisStore;
use crate::record::News;

type Hear<'a> = &'a (dyn Fn(News) + Send + Sync + 'a);

impl RedisStore {
    pub(in crate::store) async fn listen(&self, hear: Hear<'_>) {
        tokio::join!(self.subscribe(hear), self.poll(hear));
    }
}
