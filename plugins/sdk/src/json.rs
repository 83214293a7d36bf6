//! JSON with failures that say where.

use crate::Failure;
use serde::Deserialize;

/// Parses all of `bytes` into `T`.
///
/// # Errors
/// `malformed`, saying why and at which byte (from 0).
pub fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|e| {
        let at = match e.is_eof() {
            true => bytes.len(),
            false => byte_of(bytes, e.line(), e.column()),
        };
        let message = e.to_string();
        let why = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(why, _)| why);
        let hint = match why.ends_with("expected a borrowed string") {
            true => " (it holds an escape: read it into a String, not a &str)",
            false => "",
        };
        Failure::malformed(format!(
            "not the JSON that was expected: {why}, at byte {at}{hint}"
        ))
    })
}

/// serde_json counts lines and columns from 1; column 0 is the line's end.
fn byte_of(bytes: &[u8], line: usize, column: usize) -> usize {
    let line_start = match line.checked_sub(2) {
        None => 0,
        Some(nth) => {
            let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n');
            ends.map(|(at, _)| at + 1).nth(nth).unwrap_or(bytes.len())
        }
    };
    (line_start + column.saturating_sub(1)).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_byte() {
        let at = |text: &str| parse::<Vec<u32>>(text.as_bytes()).map_err(|f| f.message);
        let expected = "not the JSON that was expected: expected `,` or `]`, at byte 3";
        assert_eq!(at("[1 x]"), Err(expected.into()));
        assert!(at("[1,\n\n x]").is_err_and(|m| m.ends_with("at byte 6")));
        assert!(at("").is_err_and(|m| m.ends_with("at byte 0")));
        assert!(at("[1,").is_err_and(|m| m.contains("EOF") && m.ends_with("at byte 3")));
    }
}
