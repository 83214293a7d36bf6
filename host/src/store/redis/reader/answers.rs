//! Parses Redis's answers about streams.

use crate::record::Entry;
use crate::store::Unavailable;
use crate::store::gap::Seen;
use bytes::Bytes;
use redis::Value;

pub(super) fn cannot_say(answer: &Value) -> Option<Unavailable> {
    match answer {
        Value::ServerError(error) if !matches!(error.code(), "ERR" | "WRONGTYPE") => {
            Some(Unavailable(format!("Redis: {error}")))
        }
        _ => None,
    }
}

/// The approximate size of an answer, in bytes.
pub(super) fn bytes(value: &Value) -> usize {
    match value {
        Value::BulkString(bytes) => bytes.len(),
        Value::Array(list) => list.iter().map(bytes).sum(),
        Value::Map(pairs) => pairs.iter().map(|(_, value)| bytes(value)).sum(),
        _ => 0,
    }
}

/// Parses XLEN's answer; an error (not a stream) counts as 0.
pub(super) fn number(value: &Value) -> u64 {
    match value {
        Value::Int(number) => u64::try_from(*number).unwrap_or_default(),
        _ => 0,
    }
}

/// Parses XINFO STREAM; an error means that the key does not exist.
pub(super) fn info(value: Value) -> Seen {
    let mut seen = Seen::default();
    let Some(fields) = value.into_map_iter().ok() else {
        return seen;
    };
    seen.exists = true;
    for (name, value) in fields {
        match text(&name).as_str() {
            "last-generated-id" => seen.last = text(&value).parse().unwrap_or_default(),
            "length" => seen.length = number(&value),
            // Redis 7 and later.
            "entries-added" => seen.added = Some(number(&value)),
            "first-entry" => seen.first = entry(value).map(|entry| entry.id),
            _ => {}
        }
    }
    seen
}

fn text(value: &Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) => text.clone(),
        _ => String::new(),
    }
}

/// Parses XRANGE's answer; an error (not a stream) gives no entries.
pub(in crate::store::redis) fn entries(value: Value) -> Vec<Entry> {
    let Value::Array(list) = value else {
        return Vec::new();
    };
    list.into_iter().filter_map(entry).collect()
}

fn entry(value: Value) -> Option<Entry> {
    let Value::Array(parts) = value else {
        return None;
    };
    let mut parts = parts.into_iter();
    let id = text(&parts.next()?).parse().ok()?;
    let Value::Array(fields) = parts.next()? else {
        return None;
    };
    let mut entry = Entry {
        id,
        kind: Bytes::new(),
        data: Bytes::new(),
    };
    let mut fields = fields.into_iter();
    while let (Some(Value::BulkString(name)), Some(Value::BulkString(value))) =
        (fields.next(), fields.next())
    {
        match &name[..] {
            b"type" => entry.kind = value.into(),
            b"data" => entry.data = value.into(),
            _ => {}
        }
    }
    Some(entry)
}
