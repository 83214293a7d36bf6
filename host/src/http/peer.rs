//! Where a request comes from.

use std::net::SocketAddr;

/// Where a request came from, and by which way its answer goes.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The other end.
    pub address: SocketAddr,
    /// There are more connections than there may be.
    pub crowded: bool,
    /// There are so many more that half the room for them is taken: what takes
    /// time is not begun.
    pub full: bool,
    /// An endless answer is to come in chunks of HTTP/1.1: nobody else will
    /// make them.
    pub chunked: bool,
}
