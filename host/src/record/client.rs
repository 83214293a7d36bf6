//! Who an event is for.

use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// The id of one end user or device: 1 to 256 bytes of UTF-8 without control
/// characters. What holds one can put it in a Redis key and in a log line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(Arc<str>);

/// Why some bytes are no client id.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ClientIdError {
    /// Nothing there.
    #[error("the client id is empty")]
    Empty,
    /// Over [`ClientId::MAX`] bytes.
    #[error("the client id has {0} bytes, the most is {max}", max = ClientId::MAX)]
    TooLong(usize),
    /// Not text.
    #[error("the client id is not UTF-8")]
    NotUtf8,
    /// A control character.
    #[error("the client id holds a control character at byte {0}")]
    Control(usize),
}

impl ClientId {
    /// The longest id, in bytes.
    pub const MAX: usize = 256;

    /// Checks `bytes` without copying them.
    pub fn check(bytes: &[u8]) -> Result<&str, ClientIdError> {
        if bytes.is_empty() {
            return Err(ClientIdError::Empty);
        }
        if bytes.len() > ClientId::MAX {
            return Err(ClientIdError::TooLong(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ClientIdError::NotUtf8)?;
        match text.char_indices().find(|(_, c)| c.is_control()) {
            Some((at, _)) => Err(ClientIdError::Control(at)),
            None => Ok(text),
        }
    }

    /// The id that `bytes` are.
    pub fn new(bytes: &[u8]) -> Result<ClientId, ClientIdError> {
        ClientId::check(bytes).map(|text| ClientId(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_ids_are_refused() {
        assert_eq!(ClientId::check(b""), Err(ClientIdError::Empty));
        assert_eq!(
            ClientId::check(&[b'a'; 257]),
            Err(ClientIdError::TooLong(257))
        );
        assert_eq!(ClientId::check(b"\xff"), Err(ClientIdError::NotUtf8));
        assert_eq!(ClientId::check(b"a\r\nb"), Err(ClientIdError::Control(1)));
        assert_eq!(ClientId::check(b"a\0"), Err(ClientIdError::Control(1)));
        assert_eq!(
            ClientId::check("a\u{85}".as_bytes()),
            Err(ClientIdError::Control(1))
        );
        for fine in ["{}", "../x", "*", "a b", "é"] {
            assert_eq!(ClientId::check(fine.as_bytes()), Ok(fine));
        }
    }
}
