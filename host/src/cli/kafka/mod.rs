//! Kafka tools of the command line: arguments, a call of `crate::kafka`, and
//! output.

pub mod consume;
pub(super) mod decode;
pub mod group;
pub mod produce;
pub(super) mod reach;
pub mod registry;
pub(super) mod registry_reach;
pub mod topic;
pub(super) mod wire;

use super::{bytes, exit, offset_spec, output, stop, table};

/// The delimiter between key and value; `\t`, as scripts write it, is a tab.
fn delimiter(text: &str) -> String {
    text.replace("\\t", "\t")
}

/// Parses `key=value`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected key=value")?;
    match key.is_empty() {
        true => Err("expected key=value".into()),
        false => Ok((key.into(), value.into())),
    }
}
