//! Query strings.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// A parameter's value as it stands there.
///
/// # Errors
/// Where it is there twice: what stands before us and checks who asks may look
/// at the other one.
pub fn parameter<'a>(query: &'a str, name: &str) -> Result<Option<&'a str>, String> {
    let mut found = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(key, _)| *decoded(key) == *name.as_bytes());
    let first = found.next().map(|(_, value)| value);
    match found.next() {
        Some(_) => Err(format!("{name} is there twice")),
        None => Ok(first),
    }
}

/// As a form is encoded: `+` is a space, `%` leads a byte. Need not be UTF-8.
pub fn decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('+') {
        return percent_decode_str(text).into();
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).collect::<Vec<u8>>().into()
}
