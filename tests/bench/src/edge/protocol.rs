//! The orders to a process of clients, and its answers: one line of JSON each, one answer per
//! order.

use crate::edge::clients::Tally;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

#[derive(Serialize, Deserialize)]
pub enum Order {
    /// Start to connect.
    Open(Open),
    /// Report the counters.
    Status,
    /// Answer when this many events have arrived in all, or when this time is over.
    Await { received: u64, millis: u64 },
    /// Latencies since the last such order, in microseconds, each with its count.
    Latencies,
    /// What each client has received since the last such order.
    Tallies,
    /// Cut every connection, and reconnect at once.
    Cut,
}

/// Clients `first..first + count`, spread over the addresses.
#[derive(Clone, Serialize, Deserialize)]
pub struct Open {
    pub run: String,
    pub first: u32,
    pub count: u32,
    pub addresses: Vec<SocketAddr>,
    /// Appended to `?client=<id>`.
    pub query: String,
}

#[derive(Serialize, Deserialize)]
pub enum Answer {
    Status(Status),
    Latencies(Vec<(u64, u64)>),
    Tallies(Vec<Tally>),
}

/// Counters since the start, and the times of the last changes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Status {
    /// Connections that have received their first frame.
    pub live: u64,
    /// Events, without gaps.
    pub received: u64,
    pub gaps: u64,
    /// Connection attempts that failed.
    pub refused: u64,
    /// Responses other than 200. A browser would give up; the clients retry, to see how it ends.
    pub rejected: u64,
    /// Connections that the server ended.
    pub ended: u64,
    /// Connections after the first one of each client.
    pub retries: u64,
    pub last_live_at: u64,
    pub last_event_at: u64,
    pub last_cut_at: u64,
    /// Why the last failed connection failed.
    pub trouble: Option<String>,
}

impl Status {
    /// The sum of both.
    pub fn and(self, other: Status) -> Status {
        Status {
            live: self.live + other.live,
            received: self.received + other.received,
            gaps: self.gaps + other.gaps,
            refused: self.refused + other.refused,
            rejected: self.rejected + other.rejected,
            ended: self.ended + other.ended,
            retries: self.retries + other.retries,
            last_live_at: self.last_live_at.max(other.last_live_at),
            last_event_at: self.last_event_at.max(other.last_event_at),
            last_cut_at: self.last_cut_at.max(other.last_cut_at),
            trouble: self.trouble.or(other.trouble),
        }
    }
}
