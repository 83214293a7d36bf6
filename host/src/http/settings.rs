//! How a listener treats its connections.

use super::tls::TlsFiles;
use std::time::Duration;

/// Bytes that the kernel buffers for a slow client: more would only hide that
/// it is slow.
pub(super) const SEND_BUFFER: u32 = 64 << 10;

/// How a listener treats its connections.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// The certificate, if TLS is on.
    pub tls: Option<TlsFiles>,
    /// How long a request head may take to arrive, and how long a connection
    /// may have no request.
    pub head: Duration,
    /// How long a write may make no progress.
    pub write: Duration,
    /// The most connections.
    pub connections: usize,
    /// How many connections over the limit are still answered.
    pub room: usize,
}

impl Default for ListenerSettings {
    fn default() -> ListenerSettings {
        ListenerSettings {
            tls: None,
            head: Duration::from_secs(10),
            write: Duration::from_secs(20),
            connections: usize::MAX,
            room: 0,
        }
    }
}
