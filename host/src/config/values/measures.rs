//! Times and sizes: a number and its unit.

use super::kinds::measure;
use serde::de::{Deserialize, Deserializer, Error};
use std::time::Duration;

/// A time: a whole number and `ms`, `s`, `m`, `h` or `d`.
pub(in crate::config) struct Time(pub Duration);

const TIMES: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// A time as a user writes it.
pub(in crate::config) fn shown(time: Duration) -> String {
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
                "invalid time `{text}`: use 500ms, 30s, 5m, 24h or 7d"
            ))
        })?;
        Ok(Time(Duration::from_millis(millis)))
    }
}

/// A size: a whole number and `B`, `KiB`, `MiB` or `GiB`.
pub(in crate::config) struct Bytes(pub usize);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        const UNITS: [(&str, u64); 4] = [
            ("KiB", 1 << 10),
            ("MiB", 1 << 20),
            ("GiB", 1 << 30),
            ("B", 1),
        ];
        let text = measure(deserializer, "a size such as \"64MiB\"")?;
        let bytes = measured(&text, &UNITS).and_then(|n| usize::try_from(n).ok());
        bytes
            .map(Bytes)
            .ok_or_else(|| D::Error::custom(format!("invalid size `{text}`: use 512KiB or 64MiB")))
    }
}

fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let (_, size) = units.iter().find(|(name, _)| *name == unit)?;
    digits.trim_end().parse::<u64>().ok()?.checked_mul(*size)
}
