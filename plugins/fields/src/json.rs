//! Parses JSON one level at a time. Deeper levels stay bytes: nothing is
//! copied, and no number is rounded.

use millstream_plugin::{Failure, json};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The fields of an object, in order. A name may repeat; the last one counts,
/// as in browsers.
pub type Fields<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// A value, one level deep.
pub enum Level<'a> {
    /// An object's fields.
    Object(Fields<'a>),
    /// An array's elements.
    Array(Vec<&'a RawValue>),
    /// Neither, or not looked into.
    Scalar,
}

impl<'a> Level<'a> {
    /// Parses all of `bytes`; they are UTF-8 if this succeeds.
    ///
    /// # Errors
    /// `malformed`, with the reason and the byte.
    pub fn parse(bytes: &'a [u8]) -> Result<Level<'a>, Failure> {
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => json::parse(bytes).map(|Object(fields)| Level::Object(fields)),
            Some(b'[') => json::parse(bytes).map(Level::Array),
            _ => json::parse(bytes).map(|_: &RawValue| Level::Scalar),
        }
    }

    /// Parses a nested value.
    ///
    /// # Errors
    /// `malformed`, as by [`Level::parse`].
    pub fn of(value: &'a RawValue) -> Result<Level<'a>, Failure> {
        Level::parse(value.get().as_bytes()).map_err(|failure| within(value, failure))
    }

    /// The field or element that a pointer's token names.
    pub fn child(&self, token: &str) -> Option<&'a RawValue> {
        match self {
            Level::Object(fields) => {
                let mut named = fields.iter().rev().filter(|(name, _)| name == token);
                named.next().map(|(_, value)| *value)
            }
            Level::Array(items) => items.get(index(token)?).copied(),
            Level::Scalar => None,
        }
    }
}

/// An array index, from 0, without leading zeros (RFC 6901, section 4).
fn index(token: &str) -> Option<usize> {
    let index: usize = token.parse().ok()?;
    (index.to_string() == token).then_some(index)
}

/// The JSON type of a value, for messages.
pub fn name_of(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// A string that is copied only if it has escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The text of a string or number; `None` for other types.
///
/// # Errors
/// `malformed`, if a string has an invalid escape.
pub fn text(value: &RawValue) -> Result<Option<Cow<'_, str>>, Failure> {
    match name_of(value) {
        "a string" => parse(value).map(|Text(text)| Some(text)),
        "a number" => Ok(Some(value.get().into())),
        _ => Ok(None),
    }
}

/// Parses all of a nested value.
///
/// # Errors
/// `malformed`, with the reason and the byte.
pub fn parse<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Result<T, Failure> {
    json::parse(value.get().as_bytes()).map_err(|failure| within(value, failure))
}

/// The failure names a byte counted from the value's start, so the value is
/// shown.
fn within(value: &RawValue, mut failure: Failure) -> Failure {
    let text = value.get();
    let shown = &text[..text.floor_char_boundary(40)];
    let more = if shown.len() < text.len() { "..." } else { "" };
    failure.message += &format!(" of `{shown}{more}`");
    failure
}

struct Object<'a>(Fields<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor).map(Object)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(8);
        while let Some((Text(name), value)) = map.next_entry()? {
            fields.push((name, value));
        }
        Ok(fields)
    }
}
