//! Checks what plugins want to write to Kafka.

use super::abi::{Header, Span as WireSpan};
use super::room::HEADER;
use crate::record::{SharedHeaders, Span};
use bytes::Bytes;

/// Headers with this prefix are reserved for Millstream, so that readers can
/// trust them.
const OWN: &str = "millstream.";

/// Except these, with which a plugin names an event's addressee and type.
const ALLOWED: [&[u8]; 3] = [
    b"millstream.client",
    b"millstream.group",
    b"millstream.type",
];

/// The most headers that one output may add.
const HEADERS_MAX: usize = 100;

/// A valid topic name, as in Kafka's `Topic.validate`.
pub(super) fn topic(span: WireSpan, arena: &[u8]) -> Result<String, String> {
    let bytes = Span::from(span)
        .of(arena)
        .ok_or("the topic lies outside of the answer")?;
    let legal = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let dots = matches!(bytes, b"." | b"..");
    if bytes.is_empty() || bytes.len() > 249 || dots || !bytes.iter().all(legal) {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        return Err(format!("invalid topic name `{}`", shown.escape_debug()));
    }
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// Bytes that may be absent; they share the arena.
pub(super) fn bytes(span: WireSpan, arena: &Bytes) -> Result<Option<Bytes>, String> {
    let span = Span::from(span);
    if !span.fits(arena.len()) {
        return Err("a key, value or header lies outside of the answer".into());
    }
    let (start, length) = (span.start as usize, span.length as usize);
    Ok((!span.is_absent()).then(|| arena.slice(start..start + length)))
}

/// `range.1` headers, starting at index `range.0`.
pub(super) fn headers(
    list: &[Header],
    range: (u32, u32),
    arena: &Bytes,
) -> Result<SharedHeaders, String> {
    let (first, count) = (range.0 as usize, range.1 as usize);
    if count > HEADERS_MAX {
        return Err(format!(
            "it added {count} headers, at most {HEADERS_MAX} are allowed"
        ));
    }
    let own = list
        .get(first..first + count)
        .ok_or("the headers lie outside of the answer")?;
    own.iter()
        .map(|header| self::header(header, arena))
        .collect()
}

fn header(header: &Header, arena: &Bytes) -> Result<(Bytes, Option<Bytes>), String> {
    let name = bytes(header.name, arena)?.unwrap_or_default();
    if name.is_empty() || name.contains(&0) {
        return Err("a header name is empty or contains a NUL".into());
    }
    if name.starts_with(OWN.as_bytes()) && !ALLOWED.contains(&&*name) {
        let shown = String::from_utf8_lossy(&name[..name.len().min(80)]).into_owned();
        return Err(format!(
            "header `{}` is reserved: Millstream sets {OWN}* itself",
            shown.escape_debug()
        ));
    }
    Ok((name, bytes(header.value, arena)?))
}

/// The size of headers, each written out.
pub(super) fn size_of(headers: &SharedHeaders) -> usize {
    let length = |value: &Option<Bytes>| value.as_ref().map_or(0, Bytes::len);
    let each = |(name, value): &(Bytes, Option<Bytes>)| HEADER + name.len() + length(value);
    headers.iter().map(each).sum()
}
