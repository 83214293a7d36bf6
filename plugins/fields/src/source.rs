//! The sources of client, group and type.

use crate::json::{self, Level};
use crate::pointer::{self, Pointer};
use crate::view::View;
use millstream_plugin::Failure;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Where a client, group or type comes from.
pub enum Source {
    /// A place in the JSON.
    Pointer(Pointer),
    /// The record's key.
    Key,
    /// A place in the key, which is JSON.
    KeyPointer(Pointer),
    /// The last header of this name.
    Header(String),
    /// A name of the plugin's own: the name, and what it is called in messages.
    Named(String, &'static str),
}

/// The names that a plugin offers as sources beside pointers, key and headers.
pub struct Names {
    /// What such a name is, for messages, such as "attribute".
    pub what: &'static str,
    /// Whether there is such a name.
    pub known: fn(&str) -> bool,
    /// How they are offered to who wrote an invalid source.
    pub offered: &'static str,
}

impl Names {
    /// No names.
    pub const NONE: Names = Names {
        what: "",
        known: |_| false,
        offered: "",
    };
}

/// What was found at a source.
pub enum Found<'a> {
    /// A text, or a number as written.
    Text(Cow<'a, str>),
    /// Nothing: missing, or null.
    Nothing(&'static str),
    /// Not a text.
    Other(&'static str),
}

impl Source {
    /// Parses a source as the configuration writes it.
    ///
    /// # Errors
    /// What is wrong with it, and what is probably meant.
    pub fn parse(text: &str, names: &Names) -> Result<Source, String> {
        if let Some(name) = text.strip_prefix("header:") {
            return match name {
                "" => Err(format!("{text:?} has no header name")),
                name => Ok(Source::Header(name.into())),
            };
        }
        if let Some(pointer) = text.strip_prefix("key:") {
            return Pointer::parse(pointer).map(Source::KeyPointer);
        }
        match text {
            "key" => Ok(Source::Key),
            _ if text.starts_with('/') => Pointer::parse(text).map(Source::Pointer),
            name if (names.known)(name) => Ok(Source::Named(name.into(), names.what)),
            _ => Err(format!(
                "invalid source {text:?}: did you mean {:?}? A source is a JSON pointer into the \
                 value (\"/user/id\"), \"key\", \"key:/pointer\"{} or \"header:<name>\"",
                suggest(text, names),
                names.offered,
            )),
        }
    }

    /// Whether it needs the value.
    pub fn is_pointer(&self) -> bool {
        matches!(self, Source::Pointer(_))
    }

    /// Reads it.
    ///
    /// # Errors
    /// `malformed`, if JSON on the way is not valid.
    #[inline]
    pub fn read<'a>(&self, view: &impl View<'a>) -> Result<Found<'a>, Failure> {
        match self {
            Source::Pointer(pointer) => found(pointer, view.top()),
            Source::Key => view.key(),
            Source::KeyPointer(pointer) => in_key(pointer, view),
            Source::Header(name) => Ok(Found::of_bytes(view.record().header(name))),
            Source::Named(name, _) => view.named(name),
        }
    }
}

#[cold]
fn in_key<'a>(pointer: &Pointer, view: &impl View<'a>) -> Result<Found<'a>, Failure> {
    found(pointer, &view.key_top()?)
}

fn found<'a>(pointer: &Pointer, top: &Level<'a>) -> Result<Found<'a>, Failure> {
    match pointer.find(top)? {
        None => Ok(Found::Nothing("missing")),
        Some(value) => Found::of_json(value),
    }
}

impl<'a> Found<'a> {
    /// A JSON value: a text or number is found, null is nothing.
    ///
    /// # Errors
    /// `malformed`, if a string is not valid.
    pub fn of_json(value: &'a RawValue) -> Result<Found<'a>, Failure> {
        Ok(match (json::text(value)?, json::name_of(value)) {
            (Some(text), _) => Found::Text(text),
            (None, "null") => Found::Nothing("null"),
            (None, other) => Found::Other(other),
        })
    }

    /// The bytes of a key or header.
    #[inline]
    pub fn of_bytes(bytes: Option<&'a [u8]>) -> Found<'a> {
        match bytes.map(std::str::from_utf8) {
            None => Found::Nothing("missing"),
            Some(Ok(text)) => Found::Text(text.into()),
            Some(Err(_)) => Found::Other("bytes that are not UTF-8"),
        }
    }
}

/// The most similar valid source.
fn suggest(text: &str, names: &Names) -> String {
    let lower = text.to_lowercase();
    if lower == "key" || (names.known)(&lower) {
        return lower;
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
            Source::KeyPointer(pointer) => write!(f, "{pointer} of the key"),
            Source::Header(name) => write!(f, "the header `{name}`"),
            Source::Named(name, what) => write!(f, "the {what} `{name}`"),
        }
    }
}
