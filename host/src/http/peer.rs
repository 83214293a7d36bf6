//! Where a request comes from.

use std::net::SocketAddr;

/// Where a request came from, and how its answer is sent.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The address of the client.
    pub address: SocketAddr,
    /// There are more connections than the limit.
    pub crowded: bool,
    /// Half of the room for connections over the limit is in use: slow requests
    /// are refused.
    pub full: bool,
    /// A streaming answer must write the chunks of HTTP/1.1 itself.
    pub chunked: bool,
}
