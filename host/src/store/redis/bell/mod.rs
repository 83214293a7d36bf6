//! The doorbell: what is rung, and the two ways in which it is heard.
//!
//! A ring is published on a channel, and written into a short stream (the key
//! `news`) if that exists. Edges subscribe to the channel. Where one can't, or
//! hears nothing, it makes the key and polls it; so batches pay for the key
//! only then. A writer that may not publish makes the key itself, which every
//! edge looks for once a second.

mod ears;
mod poll;
mod ringer;
mod subscribe;

pub(super) use ears::Ears;
pub(super) use ringer::{Ringer, Rung};

use super::RedisStore;
use crate::record::{ClientId, StreamKind, StreamName};
use crate::store::{Bell, Unavailable};
use redis::{Pipeline, Value};
use std::time::Duration;

type Hear<'a> = &'a (dyn Fn(Bell) + Send + Sync + 'a);

/// A ring of our own: no name holds a control character.
const OWN: &[u8] = b"\0";
/// What stands before a name that is not a client's with news.
const GROUP: u8 = 1;
const DISCONNECT: u8 = 2;
const REVOKED: u8 = 3;
/// A ring was lost: everyone may have news.
const LOST: u8 = 4;

/// Rings that the key holds, about: an edge that falls further behind reads
/// every stream once.
pub(super) const KEPT: usize = 1000;
/// How long the key lives beyond the last one who wanted it.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// An entry's type in the key: whether the ring was published, too.
const RUNG: &str = "rung";
const UNRUNG: &str = "unrung";

/// A ring for streams that have news.
pub(super) fn lines(streams: &[(StreamKind, &[u8])]) -> Vec<u8> {
    let mut all = Vec::with_capacity(streams.iter().map(|(_, name)| name.len() + 2).sum());
    for (index, (kind, name)) in streams.iter().enumerate() {
        if index > 0 {
            all.push(b'\n');
        }
        if *kind == StreamKind::Group {
            all.push(GROUP);
        }
        all.extend_from_slice(name);
    }
    all
}

/// A ring that ends a client's streams.
pub(super) fn disconnect(client: &ClientId) -> Vec<u8> {
    [&[DISCONNECT], client.as_str().as_bytes()].concat()
}

/// A ring that tells of a revocation.
pub(super) fn revoked(client: &ClientId, before: u64) -> Vec<u8> {
    let (client, before) = (client.as_str().as_bytes(), before.to_string());
    [&[REVOKED], client, &[REVOKED], before.as_bytes()].concat()
}

/// Reads the rest of such a ring. Older releases say no time.
fn revocation(rest: &[u8]) -> Option<(ClientId, u64)> {
    let end = rest.iter().position(|byte| *byte == REVOKED)?;
    let before = std::str::from_utf8(&rest[end + 1..]).ok()?;
    Some((ClientId::new(&rest[..end]).ok()?, before.parse().ok()?))
}

fn heard(ring: &[u8]) -> Vec<Bell> {
    let mut bells = Vec::new();
    let mut news = Vec::new();
    for line in ring.split(|b| *b == b'\n') {
        match line {
            [GROUP, name @ ..] => news.extend(StreamName::new(StreamKind::Group, name)),
            [DISCONNECT, name @ ..] => bells.extend(ClientId::new(name).map(Bell::Disconnect)),
            [REVOKED, rest @ ..] => bells.push(Bell::Revoked(revocation(rest))),
            [LOST] => bells.push(Bell::Missed),
            name => news.extend(StreamName::new(StreamKind::Client, name)),
        }
    }
    if !news.is_empty() {
        bells.push(Bell::News(news));
    }
    bells
}

impl RedisStore {
    pub(in crate::store) async fn listen(&self, hear: Hear<'_>) {
        tokio::join!(self.subscribe(hear), self.poll(hear));
    }

    /// Carries out `changes` and rings, all or nothing.
    pub(super) async fn change_and_ring(
        &self,
        changes: impl Fn(&mut Pipeline),
        lines: &[u8],
    ) -> Result<(), Unavailable> {
        loop {
            let mut pipe = redis::pipe();
            pipe.cmd("MULTI");
            changes(&mut pipe);
            let rung = self.ringer.ring(&mut pipe, &self.keys, lines);
            pipe.cmd("EXEC");
            pipe.ignore_errors();
            let answers: Vec<Value> = self.query(&pipe).await?;
            if !self.ringer.learn(rung, &answers) {
                return all_done(answers, rung);
            }
        }
    }
}

/// Whether all of a transaction was done, but for the ring.
fn all_done(mut answers: Vec<Value>, rung: Rung) -> Result<(), Unavailable> {
    let sent = answers.len();
    if let Some(Value::Array(done)) = answers.pop() {
        answers = done;
        rung.within(sent, answers.len())
            .for_each(|at| answers[at] = Value::Nil);
    }
    let wrong = answers
        .into_iter()
        .find_map(|answer| answer.extract_error().err());
    wrong.map_or(Ok(()), |error| Err(super::unavailable(error)))
}
