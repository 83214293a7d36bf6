//! What the host checks in a plugin's answers, with the host's messages: what
//! fails there must fail in tests.

use crate::{Class, Failure};

/// The most events of one record.
const EVENTS: usize = 1000;
/// The most bytes of one record's events, unless a pipeline sets
/// `limits.output`: addresses, types and payloads, and 256 bytes for each event.
const OUTPUT: usize = 16 << 20;
const EVENT: usize = 256;
/// The most headers that one output may add.
const HEADERS: usize = 100;

fn bad(message: impl Into<String>) -> Failure {
    Failure {
        class: Class::BadOutput,
        message: message.into(),
    }
}

/// The most keys of one record, the longest key and the largest value.
const KEYS: usize = 100;
const KEY: usize = 256;
const VALUE: usize = 64 << 10;

/// Checks the keys of one record.
pub(super) fn keys(keys: &[&[u8]]) -> Result<(), Failure> {
    if keys.len() > KEYS {
        return Err(bad(format!("a record names more than {KEYS} keys")));
    }
    let wrong = keys.iter().find_map(|key| match key.len() {
        0 => Some("a key is empty".into()),
        n if n > KEY => Some(format!("a key has {n} bytes; the limit is {KEY}")),
        _ => None,
    });
    wrong.map_or(Ok(()), |why: String| Err(bad(why)))
}

/// Checks the values that a record wrote.
pub(super) fn values<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Result<(), Failure> {
    match values.find(|value| value.len() > VALUE) {
        None => Ok(()),
        Some(value) => {
            let n = value.len();
            Err(bad(format!(
                "the plugin wrote a value of {n} bytes; the limit is {VALUE}"
            )))
        }
    }
}

/// The parts of an event.
pub(super) struct Parts<'a> {
    /// `client`, `group` or `task`.
    pub to: &'a str,
    pub address: &'a [u8],
    pub kind: &'a [u8],
    pub payload: &'a [u8],
}

/// Checks the events of one record.
pub(super) fn events(events: &[Parts]) -> Result<(), Failure> {
    let too_large = |message| Failure {
        class: Class::TooLarge,
        message,
    };
    let made = events.len();
    if made > EVENTS {
        return Err(too_large(format!(
            "the plugin made {made} events from one record, at most {EVENTS} are allowed"
        )));
    }
    let size = |event: &Parts| EVENT + event.address.len() + event.kind.len() + event.payload.len();
    let bytes: usize = events.iter().map(size).sum();
    if bytes > OUTPUT {
        return Err(too_large(format!(
            "the plugin made {bytes} bytes of events or headers from one record, at most {OUTPUT} \
             are allowed (output)"
        )));
    }
    events.iter().try_for_each(event)
}

fn event(event: &Parts) -> Result<(), Failure> {
    let what = match event.to {
        "client" => "client id",
        "group" => "group name",
        _ => "task id",
    };
    name(event.address).map_err(|why| bad(format!("the {what} {why}")))?;
    kind(event.kind).map_err(bad)?;
    let text = std::str::from_utf8(event.payload);
    let at = |error: std::str::Utf8Error| error.valid_up_to();
    text.map(|_| ())
        .map_err(|error| bad(format!("the payload is not UTF-8 at byte {}", at(error))))
}

fn name(bytes: &[u8]) -> Result<(), String> {
    if bytes.is_empty() {
        return Err("is empty".into());
    }
    if bytes.len() > 256 {
        return Err(format!("has {} bytes; the limit is 256", bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, _)) => Err(format!("contains a control character at byte {at}")),
        None => Ok(()),
    }
}

fn kind(bytes: &[u8]) -> Result<(), String> {
    if bytes.len() > 256 {
        let n = bytes.len();
        return Err(format!("the event type has {n} bytes; the limit is 256"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "the event type is not UTF-8")?;
    if text.chars().any(char::is_control) {
        return Err("the event type contains a control character".into());
    }
    if matches!(text, "gap" | "open" | "error") || text.starts_with("millstream.") {
        return Err(format!(
            "the event type `{text}` is reserved (as are gap, open, error and millstream.*)"
        ));
    }
    Ok(())
}

/// Checks the name of a topic that a plugin writes to.
pub(super) fn topic(bytes: &[u8]) -> Result<(), String> {
    let legal = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let dots = matches!(bytes, b"." | b"..");
    if bytes.is_empty() || bytes.len() > 249 || dots || !bytes.iter().all(legal) {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        return Err(format!("invalid topic name `{}`", shown.escape_debug()));
    }
    Ok(())
}

/// Checks the names of headers that a plugin adds.
pub(super) fn headers<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let allowed = ["millstream.client", "millstream.group", "millstream.type"];
    let mut count = 0;
    for name in names {
        count += 1;
        if name.is_empty() || name.contains('\0') {
            return Err("a header name is empty or contains a NUL".into());
        }
        if name.starts_with("millstream.") && !allowed.contains(&name) {
            let shown: String = name.chars().take(80).collect();
            return Err(format!(
                "header `{}` is reserved: Millstream sets millstream.* itself",
                shown.escape_debug()
            ));
        }
    }
    match count {
        count if count > HEADERS => Err(format!(
            "it added {count} headers, at most {HEADERS} are allowed"
        )),
        _ => Ok(()),
    }
}
