//! JSON with failures that name the byte.

use crate::Failure;
use serde::Deserialize;

/// Parses all of `bytes` into `T`.
///
/// # Errors
/// `malformed`, with the reason and the byte (from 0).
pub fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|e| {
        let at = match e.is_eof() {
            true => bytes.len(),
            false => byte_of(bytes, e.line(), e.column()),
        };
        if let Some(mark) = mark(bytes) {
            return Failure::malformed(format!("not the expected JSON: {mark}"));
        }
        let message = e.to_string();
        let why = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(why, _)| why);
        let hint = match why.ends_with("expected a borrowed string") {
            true => " (the string has an escape: read it into a String, not a &str)",
            false => "",
        };
        Failure::malformed(format!("not the expected JSON: {why}, at byte {at}{hint}"))
    })
}

/// A byte order mark, which some programs write. JSON must not have it (RFC
/// 8259, section 8.1).
fn mark(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => {
            Some("it begins with a byte order mark (EF BB BF), which the producer must leave out")
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            Some("it begins with the byte order mark of UTF-16, and JSON is UTF-8")
        }
        _ => None,
    }
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
    fn numbers_of_many_digits_stay_as_they_are() {
        for text in ["7.5600000000000005", "0.1", "1e-7", "123456789.12345679"] {
            let number: f64 = parse(text.as_bytes()).expect("a number");
            assert_eq!(serde_json::to_string(&number).expect("a number"), text);
        }
    }

    #[test]
    fn a_failure_names_the_byte() {
        let at = |text: &str| parse::<Vec<u32>>(text.as_bytes()).map_err(|f| f.message);
        let expected = "not the expected JSON: expected `,` or `]`, at byte 3";
        assert_eq!(at("[1 x]"), Err(expected.into()));
        assert!(at("[1,\n\n x]").is_err_and(|m| m.ends_with("at byte 6")));
        assert!(at("").is_err_and(|m| m.ends_with("at byte 0")));
        let of = |bytes: &[u8]| parse::<Vec<u32>>(bytes).expect_err("marked").message;
        assert!(of(b"\xef\xbb\xbf[1]").contains("it begins with a byte order mark (EF BB BF)"));
        assert!(of(b"\xff\xfe[\x001\x00]\x00").contains("the byte order mark of UTF-16"));
        assert!(at("[1,").is_err_and(|m| m.contains("EOF") && m.ends_with("at byte 3")));
    }
}
