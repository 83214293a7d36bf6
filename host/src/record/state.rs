//! What a stateful transform keeps under keys.

use bytes::Bytes;

/// The longest key, in bytes.
pub const STATE_KEY_MAX: usize = 256;
/// The longest value, in bytes.
pub const STATE_VALUE_MAX: usize = 64 << 10;

/// A value, and until when it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateValue {
    /// The value.
    pub bytes: Bytes,
    /// Absent from this time on, by the partition's clock, in milliseconds since
    /// 1970-01-01 UTC; `i64::MAX` for never.
    pub expires: i64,
}

/// A new value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWrite {
    /// The index of the batch's record that it was made for.
    pub record: u32,
    /// The key.
    pub key: Bytes,
    /// The value; `None` removes it.
    pub value: Option<StateValue>,
}
