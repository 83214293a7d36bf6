//! The addressee of an event: a client, or a group that clients follow.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// The maximum length of a client's id and of a group's name, in bytes.
const MAX: usize = 256;

/// The id of one end user or device: 1 to 256 bytes of UTF-8 without control
/// characters. It is safe in a Redis key and in a log line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(Arc<str>);

/// The name of a group; every client that follows the group gets its events. The
/// same rules as for a client's id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName(Arc<str>);

/// A stream of a client or of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StreamName {
    /// The stream of this client.
    Client(ClientId),
    /// The stream of this group.
    Group(GroupName),
}

/// Whether a stream belongs to a client or to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StreamKind {
    /// A client's stream.
    Client,
    /// A group's stream.
    Group,
}

/// Why some bytes are not a valid client id or group name. The message continues
/// after `the client id` or `the group name`.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// No bytes.
    #[error("is empty")]
    Empty,
    /// Over 256 bytes.
    #[error("has {0} bytes; the limit is {MAX}")]
    TooLong(usize),
    /// Not text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// A control character.
    #[error("contains a control character at byte {0}")]
    Control(usize),
}

/// Checks an id or a name without copying it.
///
/// # Errors
/// Why it is invalid.
pub fn check_name(bytes: &[u8]) -> Result<&str, NameError> {
    if bytes.len() > MAX {
        return Err(NameError::TooLong(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| NameError::NotUtf8)?;
    check_name_text(text).map(|()| text)
}

/// Checks an id or a name that is text.
///
/// # Errors
/// Why it is invalid.
pub fn check_name_text(text: &str) -> Result<(), NameError> {
    match text.len() {
        0 => return Err(NameError::Empty),
        length if length > MAX => return Err(NameError::TooLong(length)),
        _ if !may_have_control(text) => return Ok(()),
        _ => {}
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, _)) => Err(NameError::Control(at)),
        None => Ok(()),
    }
}

/// Whether a text may have a control character. It looks at all bytes alike, which is
/// several times as fast as looking for the first such character.
pub(super) fn may_have_control(text: &str) -> bool {
    // The characters U+0080 to U+009F begin with the byte C2.
    let may_be = |byte: u8| byte < 0x20 || byte == 0x7f || byte == 0xc2;
    text.bytes().fold(false, |found, byte| found | may_be(byte))
}

impl ClientId {
    /// Parses `bytes` as an id.
    ///
    /// # Errors
    /// Why they are invalid.
    pub fn new(bytes: &[u8]) -> Result<ClientId, NameError> {
        check_name(bytes).map(|text| ClientId(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl GroupName {
    /// Parses `bytes` as a name.
    ///
    /// # Errors
    /// Why they are invalid.
    pub fn new(bytes: &[u8]) -> Result<GroupName, NameError> {
        check_name(bytes).map(|text| GroupName(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl StreamName {
    /// The stream of this kind with the name `bytes`.
    ///
    /// # Errors
    /// Why the name is invalid.
    pub fn new(kind: StreamKind, bytes: &[u8]) -> Result<StreamName, NameError> {
        Ok(match kind {
            StreamKind::Client => StreamName::Client(ClientId::new(bytes)?),
            StreamKind::Group => StreamName::Group(GroupName::new(bytes)?),
        })
    }

    /// Whether it belongs to a client or to a group.
    pub fn kind(&self) -> StreamKind {
        match self {
            StreamName::Client(_) => StreamKind::Client,
            StreamName::Group(_) => StreamKind::Group,
        }
    }

    /// The client's id, or the group's name.
    pub fn as_str(&self) -> &str {
        match self {
            StreamName::Client(id) => id.as_str(),
            StreamName::Group(name) => name.as_str(),
        }
    }
}

impl StreamKind {
    /// Its name in keys and messages.
    pub fn word(self) -> &'static str {
        match self {
            StreamKind::Client => "client",
            StreamKind::Group => "group",
        }
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind().word(), self.as_str())
    }
}

impl Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_rejected() {
        assert_eq!(check_name(b""), Err(NameError::Empty));
        assert_eq!(check_name(&[b'a'; 257]), Err(NameError::TooLong(257)));
        assert_eq!(check_name(b"\xff"), Err(NameError::NotUtf8));
        assert_eq!(check_name(b"a\r\nb"), Err(NameError::Control(1)));
        assert_eq!(check_name(b"a\0"), Err(NameError::Control(1)));
        let next_line = "a\u{85}".as_bytes();
        assert_eq!(check_name(next_line), Err(NameError::Control(1)));
        for fine in ["{}", "../x", "*", "a b", "é"] {
            assert_eq!(check_name(fine.as_bytes()), Ok(fine));
        }
    }
}
