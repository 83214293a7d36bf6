use crate::abi::Span;
use crate::abi::stateful::exports::millstream::plugin::stateful_transform as wire;
use crate::{Failure, json};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The values of the current record's keys.
pub struct State<'a> {
    record: u32,
    /// The entries that the record named.
    own: &'a [u32],
    now: i64,
    state: &'a wire::State,
    written: &'a mut Written,
}

/// The values of a batch.
pub(super) struct Values<'a> {
    state: &'a wire::State,
    /// How many of `state.named` belong to records before the next one.
    named: usize,
    written: Written,
    /// How many writes there were before the current record.
    before: usize,
}

/// What was written so far.
struct Written {
    arena: Vec<u8>,
    writes: Vec<wire::Write>,
    /// For each entry, the index of its last write.
    last: Vec<Option<usize>>,
}

impl<'a> Values<'a> {
    pub fn new(state: &'a wire::State) -> Values<'a> {
        Values {
            state,
            named: 0,
            written: Written {
                arena: Vec::new(),
                writes: Vec::with_capacity(state.counts.len()),
                last: vec![None; state.entries.len()],
            },
            before: 0,
        }
    }

    /// The values as the record at this index sees them. Records come in order.
    pub fn begin(&mut self, record: u32) -> State<'_> {
        let from = self.named;
        self.named += self.state.counts[record as usize] as usize;
        self.before = self.written.writes.len();
        State {
            record,
            own: &self.state.named[from..self.named],
            now: self.state.clocks[record as usize],
            state: self.state,
            written: &mut self.written,
        }
    }

    /// Takes back what the current record wrote.
    pub fn undo(&mut self) {
        let Written { writes, last, .. } = &mut self.written;
        for undone in writes.drain(self.before..) {
            last[undone.entry as usize] = None;
        }
        for (at, write) in writes.iter().enumerate() {
            last[write.entry as usize] = Some(at);
        }
    }

    /// Everything that was written, with values in `arena`.
    pub fn end(self, arena: &mut Vec<u8>) -> Vec<wire::Write> {
        let base = arena.len() as u32;
        arena.extend_from_slice(&self.written.arena);
        let mut writes = self.written.writes;
        for write in &mut writes {
            if write.value.start != u32::MAX {
                write.value.start += base;
            }
        }
        writes
    }
}

impl State<'_> {
    /// The value of a key; `None` if it has none, or it has expired.
    ///
    /// # Panics
    /// If the record did not name the key.
    #[track_caller]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&[u8]> {
        let entry = self.entry(key.as_ref());
        let (arena, value, expires) = match self.written.last[entry as usize] {
            Some(at) => {
                let write = &self.written.writes[at];
                (&self.written.arena, write.value, write.expires)
            }
            None => {
                let entry = &self.state.entries[entry as usize];
                (&self.state.arena, entry.value, entry.expires)
            }
        };
        value.of(arena).filter(|_| expires > self.now)
    }

    /// Sets the value of a key: at most 64 KiB, until it is removed.
    ///
    /// # Panics
    /// If the record did not name the key.
    #[track_caller]
    pub fn set(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.write(key.as_ref(), Some(value.as_ref()), i64::MAX);
    }

    /// Sets the value of a key for this time from [`State::now`] on, measured by the
    /// timestamps of the partition's records, not by a clock on the wall.
    ///
    /// # Panics
    /// If the record did not name the key.
    #[track_caller]
    pub fn set_for(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, time: Duration) {
        let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let expires = self.now.max(0).saturating_add(time);
        self.write(key.as_ref(), Some(value.as_ref()), expires);
    }

    /// Removes the value of a key.
    ///
    /// # Panics
    /// If the record did not name the key.
    #[track_caller]
    pub fn remove(&mut self, key: impl AsRef<[u8]>) {
        self.write(key.as_ref(), None, i64::MAX);
    }

    /// The value of a key, read as JSON.
    ///
    /// # Errors
    /// `rejected`, if it is not such JSON: another version of the plugin may have
    /// written it.
    ///
    /// # Panics
    /// If the record did not name the key.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self, key: impl AsRef<[u8]>) -> Result<Option<T>, Failure> {
        let value = self.get(key).map(json::read);
        let refused =
            |e| Failure::rejected(format!("the kept value is not the expected JSON: {e}"));
        value.transpose().map_err(refused)
    }

    /// Sets the value of a key, written as JSON.
    ///
    /// # Errors
    /// `rejected`, if it can't be written as JSON.
    ///
    /// # Panics
    /// If the record did not name the key.
    #[track_caller]
    pub fn set_json(
        &mut self,
        key: impl AsRef<[u8]>,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        let refused = |e| Failure::rejected(format!("the value can't be written as JSON: {e}"));
        json::write(&mut bytes, value).map_err(refused)?;
        self.set(key, bytes);
        Ok(())
    }

    /// The time at this record: the largest timestamp of the partition's records up to
    /// and including this one, in milliseconds since 1970-01-01 UTC; `None` if none of
    /// them had one. It never goes back.
    pub fn now(&self) -> Option<i64> {
        (self.now >= 0).then_some(self.now)
    }

    #[track_caller]
    fn entry(&self, key: &[u8]) -> u32 {
        let named = |entry: &&u32| {
            let entry = &self.state.entries[**entry as usize];
            entry.key.of(&self.state.arena) == Some(key)
        };
        match self.own.iter().find(named) {
            Some(entry) => *entry,
            None => panic!(
                "the key `{}` was not named: `keys` must name every key that `transform` uses",
                String::from_utf8_lossy(key)
            ),
        }
    }

    #[track_caller]
    fn write(&mut self, key: &[u8], value: Option<&[u8]>, expires: i64) {
        let entry = self.entry(key);
        let written = &mut *self.written;
        let value = Span::push_option(&mut written.arena, value);
        written.last[entry as usize] = Some(written.writes.len());
        written.writes.push(wire::Write {
            record: self.record,
            entry,
            value,
            expires,
        });
    }
}
