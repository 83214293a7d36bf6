//! A stateful transform's values: read before a call, and checked after it.

use super::abi::{Slice, Span as WireSpan, stateful as wire};
use super::guest::CallError;
use super::room::EVENT;
use crate::record::{STATE_KEY_MAX, STATE_VALUE_MAX, Span, StateValue, StateWrite};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};

/// The most keys of one record.
const KEYS: usize = 100;

/// The values before a batch.
pub trait ReadState {
    /// The values of these keys, or of the first of them if all have too many bytes;
    /// `None` if reading was given up.
    fn read(&mut self, keys: &[Bytes]) -> Option<Read>;
}

/// Values that were read.
pub struct Read {
    /// The values, in the order of their keys: at least one.
    pub values: Vec<Option<StateValue>>,
    /// How many keys have a value, approximately.
    pub count: usize,
}

/// No values: for plugins that keep none, and for tests of one record.
pub struct NoState;

impl ReadState for NoState {
    fn read(&mut self, keys: &[Bytes]) -> Option<Read> {
        let values = vec![None; keys.len()];
        Some(Read { values, count: 0 })
    }
}

/// Values as the records of a batch see them: read once, changed by the writes that
/// were accepted so far.
pub(super) struct Values {
    before: HashMap<Bytes, Option<StateValue>>,
    written: HashMap<Bytes, Option<StateValue>>,
    /// How many more keys may have a value.
    room: usize,
}

impl Values {
    /// No values yet, of a partition that may have `most`.
    pub fn new(most: usize) -> Values {
        Values {
            before: HashMap::new(),
            written: HashMap::new(),
            room: most,
        }
    }

    fn get(&self, key: &Bytes) -> Option<&StateValue> {
        let written = self.written.get(key);
        written.or_else(|| self.before.get(key))?.as_ref()
    }

    /// Reads those that are not known yet. Returns for how many records all are known
    /// then; `None` if reading was given up.
    pub fn fetch(&mut self, keys: &Named, from: &mut dyn ReadState) -> Option<usize> {
        let unknown = { keys.entries.iter() }.filter(|key| !self.before.contains_key(*key));
        let unknown: Vec<Bytes> = unknown.cloned().collect();
        if unknown.is_empty() {
            return Some(keys.counts.len());
        }
        let Read { values, count } = from.read(&unknown)?;
        if self.before.is_empty() {
            self.room = self.room.saturating_sub(count);
        }
        self.before.extend(unknown.into_iter().zip(values));
        let is_known = |entry: &u32| self.before.contains_key(&keys.entries[*entry as usize]);
        let known = keys
            .named
            .iter()
            .take_while(|entry| is_known(entry))
            .count();
        let mut named = 0;
        let whole = keys.counts.iter().take_while(|count| {
            named += **count as usize;
            named <= known
        });
        Some(whole.count())
    }

    /// The first record whose writes would give more keys a value than may have one.
    pub fn over(&self, writes: &[StateWrite]) -> Option<u32> {
        if writes.len() <= self.room {
            return None;
        }
        let mut new = HashSet::new();
        for StateWrite { record, key, value } in writes {
            if value.is_some()
                && self.get(key).is_none()
                && new.insert(key)
                && new.len() > self.room
            {
                return Some(*record);
            }
        }
        None
    }

    /// The values of the written keys before the batch.
    pub fn before(mut self, writes: &[StateWrite]) -> HashMap<Bytes, Option<StateValue>> {
        let keys: HashSet<&Bytes> = writes.iter().map(|write| &write.key).collect();
        self.before.retain(|key, _| keys.contains(key));
        self.before
    }

    /// Applies writes.
    pub fn apply(&mut self, writes: &[StateWrite]) {
        for write in writes {
            let is_new = write.value.is_some() && self.get(&write.key).is_none();
            self.room = self.room.saturating_sub(usize::from(is_new));
            self.written.insert(write.key.clone(), write.value.clone());
        }
    }

    /// The values of these keys, as they cross the boundary.
    pub fn lower(&self, keys: &Named) -> LoweredValues {
        let mut arena = Vec::new();
        let entries = keys.entries.iter().map(|key| {
            let value = self.get(key);
            wire::Entry {
                key: Span::push(&mut arena, key).into(),
                value: Span::push_option(&mut arena, value.map(|value| &value.bytes[..])).into(),
                expires: value.map_or(i64::MAX, |value| value.expires),
            }
        });
        let entries = entries.collect();
        LoweredValues { arena, entries }
    }
}

/// Values as they cross the boundary.
pub(super) struct LoweredValues {
    arena: Vec<u8>,
    entries: Vec<wire::Entry>,
}

impl LoweredValues {
    /// With the keys of each record, and the time there.
    pub fn state<'a>(&'a self, keys: &'a Named, clocks: &'a [i64]) -> wire::State<'a> {
        wire::State {
            arena: Slice(&self.arena),
            entries: Slice(&self.entries),
            named: Slice(&keys.named),
            counts: Slice(&keys.counts),
            clocks: Slice(clocks),
        }
    }
}

/// The keys that a plugin named for the records of a call.
pub(super) struct Named {
    /// Each key once.
    entries: Vec<Bytes>,
    /// The entries of all records, one record after another.
    named: Vec<u32>,
    /// How many of them each record has.
    counts: Vec<u32>,
}

impl Named {
    /// Checks the plugin's answer for `records` records.
    ///
    /// # Errors
    /// How it breaks the contract.
    pub fn of(answer: wire::NamedKeys, records: usize, most: usize) -> Result<Named, CallError> {
        let bad = |why: String| CallError::bad_output(why);
        if answer.arena.len() > most {
            return Err(CallError::too_large(format!(
                "the plugin named more than {most} bytes of keys in one call (output)"
            )));
        }
        let keys = answer.keys.len();
        if keys > records.saturating_mul(KEYS) {
            return Err(bad(format!(
                "the plugin named {keys} keys for {records} records; the limit is {KEYS} for each"
            )));
        }
        let arena = Bytes::from(answer.arena.0);
        let mut named = Named {
            entries: Vec::new(),
            named: Vec::with_capacity(answer.keys.len()),
            counts: vec![0; records],
        };
        let mut known: HashMap<Bytes, u32> = HashMap::with_capacity(answer.keys.len());
        let mut last = 0;
        for wire::Key { record, key } in answer.keys.0 {
            let count = named.counts.get_mut(record as usize);
            let Some(count) = count.filter(|_| record >= last) else {
                return Err(bad(format!(
                    "a key names record {record}, which is out of order"
                )));
            };
            *count += 1;
            last = record;
            if *count as usize > KEYS {
                return Err(bad(format!("a record names more than {KEYS} keys")));
            }
            let key = checked(&arena, key).map_err(bad)?;
            let next = named.entries.len() as u32;
            let entry = *known.entry(key.clone()).or_insert(next);
            if entry == next {
                named.entries.push(key);
            }
            named.named.push(entry);
        }
        Ok(named)
    }

    /// Checks a call's writes; `first` is the batch's index of its first record.
    ///
    /// # Errors
    /// How they break the contract.
    pub fn writes(
        &self,
        first: usize,
        answer: &[wire::Write],
        arena: &[u8],
        most: usize,
    ) -> Result<Vec<StateWrite>, CallError> {
        let bad = |why: String| CallError::bad_output(why);
        let mut writes = Vec::with_capacity(answer.len());
        let (mut record, mut start, mut bytes) = (0, 0, 0);
        for write in answer {
            if write.record < record || write.record as usize >= self.counts.len() {
                let n = write.record;
                return Err(bad(format!(
                    "a write names record {n}, which is out of order"
                )));
            }
            while record < write.record {
                start += self.counts[record as usize] as usize;
                record += 1;
            }
            let own = &self.named[start..start + self.counts[record as usize] as usize];
            if !own.contains(&write.entry) {
                return Err(bad("a record writes a key that it did not name".into()));
            }
            let value = value(arena, write)?;
            bytes += EVENT + value.as_ref().map_or(0, |value| value.bytes.len());
            if bytes > most {
                return Err(CallError::too_large(format!(
                    "the plugin wrote more than {most} bytes of values in one call (output)"
                )));
            }
            writes.push(StateWrite {
                record: first as u32 + write.record,
                // A copy: what all records named is in one arena.
                key: Bytes::copy_from_slice(&self.entries[write.entry as usize]),
                value,
            });
        }
        Ok(writes)
    }
}

fn value(arena: &[u8], write: &wire::Write) -> Result<Option<StateValue>, CallError> {
    let span = Span::from(write.value);
    if span == Span::ABSENT {
        return Ok(None);
    }
    let Some(bytes) = span.of(arena) else {
        return Err(CallError::bad_output("a value lies outside of the answer"));
    };
    if bytes.len() > STATE_VALUE_MAX {
        let n = bytes.len();
        return Err(CallError::bad_output(format!(
            "the plugin wrote a value of {n} bytes; the limit is {STATE_VALUE_MAX}"
        )));
    }
    Ok(Some(StateValue {
        // A copy: the answer has the events too, and this may be kept longer.
        bytes: Bytes::copy_from_slice(bytes),
        expires: write.expires,
    }))
}

fn checked(arena: &Bytes, key: WireSpan) -> Result<Bytes, String> {
    let bytes = Span::from(key).of(arena);
    let bytes = arena.slice_ref(bytes.ok_or("a key lies outside of the answer")?);
    match bytes.len() {
        0 => Err("a key is empty".into()),
        n if n > STATE_KEY_MAX => Err(format!("a key has {n} bytes; the limit is {STATE_KEY_MAX}")),
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests;
