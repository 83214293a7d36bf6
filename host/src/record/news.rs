//! News of streams, from the store to the edges that serve them.

use super::{ClientId, StreamName};

/// A message on the doorbell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// These streams may have new entries.
    Streams(Vec<StreamName>),
    /// Rings may have been missed: every stream may have new entries.
    Missed,
    /// End this client's connections.
    Disconnect(ClientId),
    /// A revocation was added: the client, and the time (s since 1970) before
    /// which its revoked tokens were issued; `None` if the ring does not say.
    Revoked(Option<(ClientId, u64)>),
}
