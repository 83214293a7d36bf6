//! News of streams, from where they are kept to who serves them.

use super::{ClientId, StreamName};

/// What the doorbell says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// These streams may have new entries.
    Streams(Vec<StreamName>),
    /// Rings may have been missed: every stream may have new entries.
    Missed,
    /// This client's connections are to be ended.
    Disconnect(ClientId),
    /// A revocation was added: whose, and of tokens issued before which time
    /// (s since 1970); `None` where the ring does not say.
    Revoked(Option<(ClientId, u64)>),
}
