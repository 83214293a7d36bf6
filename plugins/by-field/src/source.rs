//! The sources of client, group and type.

use crate::json::{self, Level};
use crate::pointer::{self, Pointer};
use millstream_plugin::{Failure, Record};
use std::borrow::Cow;
use std::fmt;

pub enum Source {
    Pointer(Pointer),
    Key,
    Header(String),
}

/// What was found at a source.
pub enum Found<'a> {
    Text(Cow<'a, str>),
    /// Nothing: missing, or null.
    Nothing(&'static str),
    /// Not a text.
    Other(&'static str),
}

impl Source {
    pub fn parse(text: &str) -> Result<Source, String> {
        match text.strip_prefix("header:") {
            Some("") => Err(format!("{text:?} has no header name")),
            Some(name) => Ok(Source::Header(name.into())),
            None if text == "key" => Ok(Source::Key),
            None if text.starts_with('/') => Pointer::parse(text).map(Source::Pointer),
            None => Err(format!(
                "invalid source {text:?}: did you mean {:?}? A source is a JSON pointer into \
                 the value (\"/user/id\"), \"key\" or \"header:<name>\"",
                suggest(text)
            )),
        }
    }

    pub fn is_pointer(&self) -> bool {
        matches!(self, Source::Pointer(_))
    }

    pub fn read<'a>(&self, record: Record<'a>, top: &Level<'a>) -> Result<Found<'a>, Failure> {
        match self {
            Source::Pointer(pointer) => match pointer.find(top)? {
                None => Ok(Found::Nothing("missing")),
                Some(value) => of_json(value),
            },
            Source::Key => Ok(of_bytes(record.key())),
            Source::Header(name) => Ok(of_bytes(record.header(name))),
        }
    }
}

fn of_json(value: &serde_json::value::RawValue) -> Result<Found<'_>, Failure> {
    Ok(match (json::text(value)?, json::name_of(value)) {
        (Some(text), _) => Found::Text(text),
        (None, "null") => Found::Nothing("null"),
        (None, other) => Found::Other(other),
    })
}

fn of_bytes(bytes: Option<&[u8]>) -> Found<'_> {
    match bytes.map(std::str::from_utf8) {
        None => Found::Nothing("missing"),
        Some(Ok(text)) => Found::Text(text.into()),
        Some(Err(_)) => Found::Other("bytes that are not UTF-8"),
    }
}

/// The most similar valid source.
fn suggest(text: &str) -> String {
    let lower = text.to_lowercase();
    if lower == "key" {
        return "key".into();
    }
    match lower.strip_prefix("header") {
        Some(rest) => {
            let name = rest.trim_start_matches(['s', ':', '.', '/', '=', ' ']);
            format!("header:{}", if name.is_empty() { "<name>" } else { name })
        }
        None => pointer::suggest(text),
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Source::Pointer(pointer) => pointer.fmt(f),
            Source::Key => f.write_str("the key"),
            Source::Header(name) => write!(f, "the header `{name}`"),
        }
    }
}
