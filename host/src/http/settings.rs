//! How a listener treats its connections.

use super::tls::TlsFiles;
use std::time::Duration;

/// Bytes that the kernel keeps for a client that reads slowly: more would only
/// hide that it does.
pub(super) const SEND_BUFFER: u32 = 64 << 10;

/// How a listener treats its connections.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// The certificate, where TLS is spoken.
    pub tls: Option<TlsFiles>,
    /// How long a request's head may take to arrive, and a connection may have
    /// no request.
    pub head: Duration,
    /// How long a write may get nowhere.
    pub write: Duration,
    /// The most connections.
    pub connections: usize,
    /// How many more are answered, if only that there are too many.
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
