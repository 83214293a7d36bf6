//! Tasks: who owns each, how it stands, and when it is too late.

use crate::record::ClientId;
use bytes::Bytes;
use std::time::Duration;

/// The largest result that is kept with its task; a larger one is in its
/// owner's stream only.
pub const RESULT_MAX: usize = 64 << 10;

/// A task to be taken.
#[derive(Clone, Copy, Debug)]
pub struct NewTask<'a> {
    /// Its id, unique, of characters that JSON does not escape.
    pub id: &'a str,
    /// Who asked for it.
    pub owner: &'a ClientId,
    /// How long whoever takes it may take to send it; nobody else sends it
    /// meanwhile.
    pub sending: Duration,
    /// How long it may go without news, from when it was sent, before it has
    /// timed out.
    pub timeout: Duration,
    /// How long it is known after the last news.
    pub keep: Duration,
    /// How often its owner may ask.
    pub rate: Option<Rate>,
    /// What tells that it was asked for before.
    pub repeat: Option<&'a Repeat>,
}

/// How often one client may ask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// On average.
    pub per_second: f64,
    /// At once.
    pub burst: u32,
}

/// What tells two requests for one task from two requests for two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The same for both; of one client.
    pub key: String,
    /// The same if both ask the same.
    pub content: String,
}

/// What became of a task that is to be taken.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// It is there, and to be sent.
    New,
    /// It was asked for before under this id, and is to be sent again: workers
    /// may not have it. How often it was taken by now.
    Again(String, u64),
    /// It was asked for before under this id, and is being sent.
    Busy(String),
    /// It was asked for before under this id, and workers can have it.
    Sent(String),
    /// Something else was asked for before with the same key.
    Differs,
    /// Its owner asks too often; in so long it may ask again.
    Limited(Duration),
}

/// A task that was taken, and of which it is not known that workers have it.
#[derive(Clone, Copy, Debug)]
pub struct Unsent<'a> {
    /// Its id.
    pub id: &'a str,
    /// Who asked for it.
    pub owner: &'a ClientId,
    /// The [`Repeat::key`] that it was asked for with.
    pub repeat: Option<&'a str>,
    /// How often it had been taken when we did: who took it since decides what
    /// becomes of it.
    pub taking: u64,
    /// Whether what we sent certainly does not reach workers. What someone else
    /// may have sent before is another matter.
    pub certain: bool,
}

/// How a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Who asked for it.
    pub owner: ClientId,
    /// Its status.
    pub status: String,
    /// Whether that is its end.
    pub ended: bool,
    /// What was said of it last, unless that was larger than [`RESULT_MAX`].
    pub result: Option<Bytes>,
    /// When it was taken: milliseconds since 1970-01-01 UTC by the store's clock.
    pub received: u64,
    /// When something was said of it last, likewise.
    pub updated: Option<u64>,
}

/// The status of a task that was taken.
pub const RECEIVED: &str = "received";
/// The status of a task that got no news in its time.
pub const TIMED_OUT: &str = "timed-out";

/// What the owner of a task that has timed out is told.
pub(super) fn timed_out(id: &str) -> String {
    format!(r#"{{"taskId":"{id}","status":"{TIMED_OUT}"}}"#)
}
