//! Names the expected kind of value as a user writes it.

use super::expand::expand;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Unexpected, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Reads a string. An error does not show another value: it may be a password without quotes.
pub(super) fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_str(Quoted)
}

/// Reads a string with a number and a unit, which a bare number lacks; `${NAME}` is expanded.
pub(super) fn measure<'de, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
) -> Result<String, D::Error> {
    let raw = deserializer.deserialize_str(Measured(expected))?;
    expand(&raw).map_err(D::Error::custom)
}

struct Quoted;

impl Visitor<'_> for Quoted {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.into())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<String, E> {
        Err(E::invalid_type(Unexpected::Other("a number"), &self))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<String, E> {
        Err(E::invalid_type(Unexpected::Other("a number"), &self))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<String, E> {
        Err(E::invalid_type(Unexpected::Other("true or false"), &self))
    }
}

struct Measured(&'static str);

impl Visitor<'_> for Measured {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.into())
    }
}

/// A list of names.
pub(in crate::config) struct List<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<List<T>, D::Error> {
        list(deserializer, "a list, such as [\"orders\"]").map(List)
    }
}

/// Reads a list of values.
pub(in crate::config) fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(Listed(expected, PhantomData))
}

struct Listed<T>(&'static str, PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Listed<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut given: S) -> Result<Vec<T>, S::Error> {
        let mut all = Vec::new();
        while let Some(one) = given.next_element()? {
            all.push(one);
        }
        Ok(all)
    }
}
