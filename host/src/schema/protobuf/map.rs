//! Maps: on the wire, each entry is a message with a key and a value.

use super::found::Found;
use super::number::Number;
use super::plan::{Id, Kind};
use super::read::Reading;
use super::wire::Wire;
use crate::schema::fault::Fault;
use std::collections::HashMap;
use std::ops::Range;

/// What an entry counts for: until all are found, more is kept of it than it has bytes.
const ENTRY: u64 = 40;

impl Reading<'_, '_> {
    /// Writes a map. Of two entries with one key, the last one counts.
    pub fn map(&mut self, entry: Id, values: Range<usize>) -> Result<(), Fault> {
        self.json.enter()?;
        self.json.byte(b'{')?;
        let entry = &self.plan.messages[entry as usize];
        let (Some(key), Some(value)) = (entry.fields.first(), entry.fields.get(1)) else {
            return Err(Fault::malformed("a map's entry has no key or value"));
        };
        let before = self.found.len();
        let mut entries: Vec<(Vec<u8>, Range<usize>)> = Vec::with_capacity(values.len());
        for at in values {
            self.json.steps(ENTRY)?;
            let first = self.find(entry, &[self.found[at].part()])?;
            // Sorted: the keys are first.
            let keys = self.found[first..].partition_point(|found| found.field == 0);
            let text = self.key(key.kind, self.found[first..][..keys].last())?;
            entries.push((text, first + keys..self.found.len()));
        }
        let numbered = entries.iter().enumerate();
        let last: HashMap<&[u8], usize> = numbered.map(|(at, (text, _))| (&**text, at)).collect();
        let mut comma = false;
        for (at, (text, values)) in entries.iter().enumerate() {
            if last.get(&**text) != Some(&at) {
                continue;
            }
            if comma {
                self.json.byte(b',')?;
            }
            comma = true;
            self.json.string(text)?;
            self.json.byte(b':')?;
            self.map_value(value.kind, values.clone())
                .map_err(|fault| fault.inside(&String::from_utf8_lossy(text)))?;
        }
        self.found.truncate(before);
        self.json.leave();
        self.json.byte(b'}')
    }

    fn map_value(&mut self, kind: Kind, values: Range<usize>) -> Result<(), Fault> {
        match (kind, self.found[values.clone()].last().copied()) {
            (Kind::Message(id) | Kind::Group(id), _) => {
                let parts: Vec<_> = self.found[values].iter().map(Found::part).collect();
                self.message(id, &parts)
            }
            (kind, Some(found)) => self.scalar(kind, found),
            (kind, None) => self.default(kind),
        }
    }

    /// A map's key as text.
    fn key(&self, kind: Kind, found: Option<&Found>) -> Result<Vec<u8>, Fault> {
        let Some((start, end)) = found.map(Found::part) else {
            return Ok(match kind {
                Kind::String => Vec::new(),
                Kind::Bool => b"false".to_vec(),
                _ => b"0".to_vec(),
            });
        };
        if let Kind::String = kind {
            return Ok(self.bytes[start..end].to_vec());
        }
        let text = match Number::read(kind, &mut Wire::of(self.bytes, start, end))? {
            Number::Bool(value) => value.to_string(),
            Number::Signed(number) => number.to_string(),
            Number::Unsigned(number) => number.to_string(),
            Number::Float(_) | Number::Double(_) => {
                return Err(Fault::malformed("a map's key is a fraction"));
            }
        };
        Ok(text.into_bytes())
    }
}
