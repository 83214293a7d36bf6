//! Values as people write them: `"24h"`, `"64MiB"`, `"${REDIS_PASSWORD}"`. Where one is of another
//! kind it is told how it is written, not what serde calls it.

mod environment;
mod kinds;

pub(super) use environment::from_str;
pub(super) use kinds::{List, auth_keys, origins, pipelines};

use kinds::{measure, string};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;
use std::time::Duration;

/// A string in which `${NAME}` stands for an environment variable.
pub(super) struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        let raw = string(deserializer)?;
        expand(&raw).map(Text).map_err(D::Error::custom)
    }
}

/// One string, or several in a list.
pub(super) struct Names(pub Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: Error>(self, one: &str) -> Result<Names, E> {
                let one = expand(one).map_err(E::custom)?;
                Ok(Names(vec![one]))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Names, S::Error> {
                let mut names = Vec::new();
                while let Some(Text(name)) = list.next_element()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

/// Replaces every `${NAME}`; `$${` stands for a plain `${`.
pub(super) fn expand(raw: &str) -> Result<String, String> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find("${") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = after;
            continue;
        }
        let end = after.find('}').ok_or("a `${` without its `}`")?;
        let name = &after[..end];
        let value = std::env::var(name)
            .map_err(|_| format!("the environment variable `{name}` is not set"))?;
        out.push_str(before);
        out.push_str(&value);
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Expands every string of a TOML value, and makes JSON of it.
pub(super) fn to_json(value: toml::Value) -> Result<serde_json::Value, String> {
    use serde_json::Value as Json;
    Ok(match value {
        toml::Value::String(text) => Json::String(expand(&text)?),
        toml::Value::Integer(n) => n.into(),
        toml::Value::Float(n) => n.into(),
        toml::Value::Boolean(b) => b.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(list) => {
            Json::Array(list.into_iter().map(to_json).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => {
            let entry = |(key, value)| Ok((key, to_json(value)?));
            Json::Object(
                table
                    .into_iter()
                    .map(entry)
                    .collect::<Result<_, String>>()?,
            )
        }
    })
}

/// A time: a whole number and `ms`, `s`, `m`, `h` or `d`.
pub(super) struct Time(pub Duration);

const TIMES: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// A time as it may be written.
pub(super) fn shown(time: Duration) -> String {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let whole = |(_, size): &&(&str, u64)| millis.is_multiple_of(*size) && millis >= *size;
    let unit = TIMES.iter().rev().find(whole);
    unit.map_or("0s".into(), |(name, size)| {
        format!("{}{name}", millis / size)
    })
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = measure(deserializer, "a time such as \"15s\"")?;
        let millis = measured(&text, &TIMES).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is no time: write 500ms, 30s, 5m, 24h or 7d"
            ))
        })?;
        Ok(Time(Duration::from_millis(millis)))
    }
}

/// An amount of bytes: a whole number and `B`, `KiB`, `MiB` or `GiB`.
pub(super) struct Bytes(pub usize);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        const UNITS: [(&str, u64); 4] = [
            ("KiB", 1 << 10),
            ("MiB", 1 << 20),
            ("GiB", 1 << 30),
            ("B", 1),
        ];
        let text = measure(deserializer, "an amount such as \"64MiB\"")?;
        let bytes = measured(&text, &UNITS).and_then(|n| usize::try_from(n).ok());
        bytes.map(Bytes).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is no amount of bytes: write 512KiB or 64MiB"
            ))
        })
    }
}

fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let (_, size) = units.iter().find(|(name, _)| *name == unit)?;
    digits.trim_end().parse::<u64>().ok()?.checked_mul(*size)
}
