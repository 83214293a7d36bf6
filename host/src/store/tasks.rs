//! Tasks: their owners, states and time-outs.

use crate::record::ClientId;
use bytes::Bytes;
use std::time::Duration;

/// The maximum size of a result that is kept with its task, in bytes; a larger
/// one is only in its owner's stream.
pub const RESULT_MAX: usize = 64 << 10;

/// A task to take.
#[derive(Clone, Copy, Debug)]
pub struct NewTask<'a> {
    /// Its unique id, of characters that JSON does not escape.
    pub id: &'a str,
    /// The client that submitted it.
    pub owner: &'a ClientId,
    /// How long its taker may take to send it; nobody else sends it meanwhile.
    pub sending: Duration,
    /// How long it may be without news, from when it was sent, before it times
    /// out.
    pub timeout: Duration,
    /// How long it is kept after the last news.
    pub keep: Duration,
    /// The rate limit of its owner.
    pub rate: Option<Rate>,
    /// Identifies a repeated request.
    pub repeat: Option<&'a Repeat>,
}

/// The rate limit of one client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// The average number of tasks per second.
    pub per_second: f64,
    /// The maximum number of tasks at once.
    pub burst: u32,
}

/// Distinguishes two requests for one task from requests for two tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The same for both requests of one client.
    pub key: String,
    /// The same if both requests have the same content.
    pub content: String,
}

/// The result of taking a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// It is new, and to be sent.
    New,
    /// It was submitted before with this id, and is to be sent again, since
    /// workers may not have it. The number counts how many times it was taken.
    Again(String, u64),
    /// It was submitted before with this id, and is being sent.
    Busy(String),
    /// It was submitted before with this id, and workers can have it.
    Sent(String),
    /// Another request was made before with the same key.
    Differs,
    /// Its owner exceeds its rate; it may retry after this time.
    Limited(Duration),
}

/// A task that was taken, but that workers may not have.
#[derive(Clone, Copy, Debug)]
pub struct Unsent<'a> {
    /// Its id.
    pub id: &'a str,
    /// The client that submitted it.
    pub owner: &'a ClientId,
    /// The [`Repeat::key`] of its request.
    pub repeat: Option<&'a str>,
    /// How many times it had been taken when we took it: if it was taken again
    /// since, the later taker decides.
    pub taking: u64,
    /// Whether what we sent certainly does not reach workers. An earlier taker
    /// may have sent it, too.
    pub certain: bool,
}

/// The state of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The client that submitted it.
    pub owner: ClientId,
    /// Its status.
    pub status: String,
    /// Whether it has ended.
    pub ended: bool,
    /// The last report about it, unless it was larger than [`RESULT_MAX`].
    pub result: Option<Bytes>,
    /// When it was taken: milliseconds since 1970-01-01 UTC by the store's clock.
    pub received: u64,
    /// When it was last reported about, by the same clock.
    pub updated: Option<u64>,
}

/// The status of a task that was taken.
pub const RECEIVED: &str = "received";
/// The status of a task that got no news in its time.
pub const TIMED_OUT: &str = "timed-out";

/// The event for the owner of a task that has timed out.
pub(super) fn timed_out(id: &str) -> String {
    format!(r#"{{"taskId":"{id}","status":"{TIMED_OUT}"}}"#)
}
