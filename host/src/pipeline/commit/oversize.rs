//! Dead letters that are too large for their topic: what is omitted, and the headers
//! by which the record is found and verified.
//!
//! The value is omitted first, then the headers that are not Millstream's, then the
//! key. The rest fits in any usable topic.

use crate::pipeline::headers::{DIGEST, HOPS, OMITTED, OWN_VALUE, SIZE, SOURCE};
use crate::record::{Headers, Outgoing, RecordView};
use sha2::{Digest, Sha256};

/// A part of a letter, in the order of omission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Part {
    Value,
    Headers,
    Key,
}

const PARTS: [Part; 3] = [Part::Value, Part::Headers, Part::Key];

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Value => "value",
            Part::Headers => "headers",
            Part::Key => "key",
        }
    }

    /// Whether a letter has this part.
    fn is_in(self, letter: &Outgoing, own: usize) -> bool {
        match self {
            Part::Value => letter.value.as_ref().is_some_and(|value| !value.is_empty()),
            Part::Headers => own > 0 || letter.headers.iter().any(|(name, _)| !is_ours(name)),
            Part::Key => letter.key.as_ref().is_some_and(|key| !key.is_empty()),
        }
    }
}

/// The parts that were omitted from a letter.
pub(in crate::pipeline) struct Omission {
    /// How many of its first headers come from its record.
    own: usize,
    parts: Vec<Part>,
}

impl Omission {
    /// Nothing omitted yet. `own` is the number of headers from the record.
    pub fn of(own: usize) -> Omission {
        let parts = Vec::new();
        Omission { own, parts }
    }

    /// The names of the omitted parts; empty if there are none.
    pub fn names(&self) -> String {
        let names: Vec<_> = self.parts.iter().map(|part| part.name()).collect();
        names.join(",")
    }

    /// Omits the next part that the letter has; false if none is left.
    pub fn more(&mut self, letter: &mut Outgoing, record: &RecordView) -> bool {
        let left = PARTS.iter().filter(|part| !self.parts.contains(part));
        let Some(part) = left.copied().find(|part| part.is_in(letter, self.own)) else {
            return false;
        };
        match part {
            Part::Value => letter.value = Some(Vec::new()),
            Part::Headers => self.drop_headers(&mut letter.headers),
            Part::Key => letter.key = None,
        }
        self.parts.push(part);
        self.mark(&mut letter.headers, record);
        true
    }

    fn drop_headers(&mut self, headers: &mut Headers) {
        headers.drain(..self.own);
        headers.retain(|(name, _)| is_ours(name));
        self.own = 0;
    }

    /// Adds the headers about the omission after the record's headers.
    fn mark(&self, headers: &mut Headers, record: &RecordView) {
        let mut told = headers.split_off(self.own);
        let marks = [OMITTED, SIZE, DIGEST].map(str::as_bytes);
        told.retain(|(name, _)| !marks.contains(&&name[..]));
        if self.parts.contains(&Part::Value) {
            told.retain(|(name, _)| name != OWN_VALUE.as_bytes());
        }
        headers.append(&mut told);
        let digest = digest(record.key(), record.value(), record.headers());
        let marks = [
            (OMITTED, self.names()),
            (SIZE, record.size().to_string()),
            (DIGEST, digest),
        ];
        headers.extend(marks.map(|(name, value)| (name.into(), Some(value.into_bytes()))));
    }
}

/// Whether the host wrote a header that comes after the record's headers.
fn is_ours(name: &[u8]) -> bool {
    let told = name.strip_prefix(b"millstream.error.").is_some();
    told || name == SOURCE.as_bytes() || name == HOPS.as_bytes()
}

/// The SHA-256 of a record: key, value, and each header's name and value. Each part
/// follows its length in 8 bytes, big endian, -1 if it is absent.
pub(in crate::pipeline) fn digest<'a>(
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
) -> String {
    let mut digest = Sha256::new();
    let mut add = |bytes: Option<&[u8]>| {
        let length = bytes.map_or(-1, |bytes| bytes.len() as i64);
        digest.update(length.to_be_bytes());
        digest.update(bytes.unwrap_or_default());
    };
    add(key);
    add(value);
    for (name, value) in headers {
        add(Some(name));
        add(value);
    }
    let digest = digest.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
