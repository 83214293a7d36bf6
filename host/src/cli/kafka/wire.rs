//! Records as JSON on the command line; see [`crate::record::RecordLine`].

pub(in crate::cli) use crate::record::bytes_to_json as bytes;
pub(super) use crate::record::to_json;

use crate::kafka::native::produce::Placing;
use crate::record::{self, Headers};

/// A record to write, from a line of JSON.
pub(super) struct Written {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Headers,
    /// The partition and timestamp in the line.
    pub placing: Placing,
}

/// Reads a line of JSON. What a fixture says beside its record is ignored.
///
/// # Errors
/// What is wrong with it.
pub(super) fn of_json(line: &[u8]) -> Result<Written, String> {
    let line = record::of_json(line)?;
    Ok(Written {
        key: line.key,
        value: line.value,
        headers: line.headers,
        placing: Placing {
            partition: line.partition,
            timestamp: line.timestamp,
        },
    })
}
