//! What a transform with state reads.

use crate::pipeline::partition::values::UnstoredValues;
use crate::plugin::{Read, ReadState};
use crate::record::StateValue;
use crate::store::{LedgerKey, ReadValues, Unavailable, Writer};
use bytes::Bytes;

/// How many values are read in one round trip, and at how many bytes a batch is cut: a
/// value may have 64 KiB.
const PAGE: usize = 1024;
const MOST: usize = 16 << 20;

/// A partition's values: those that are not stored yet, and those in the store.
pub(super) struct StoredState<'a> {
    pub ledger: &'a LedgerKey,
    pub store: &'a mut dyn Writer,
    pub values: &'a UnstoredValues,
    /// As in `Road`.
    pub wait: &'a dyn Fn(&Unavailable) -> bool,
}

impl ReadState for StoredState<'_> {
    fn read(&mut self, keys: &[Bytes]) -> Option<Read> {
        let (mut all, mut bytes) = (Vec::with_capacity(keys.len()), 0);
        let mut count = 0;
        for page in keys.chunks(PAGE) {
            let read = self.page(page)?;
            let of = |value: &Option<StateValue>| value.as_ref().map_or(0, |v| v.bytes.len());
            bytes += read.values.iter().map(of).sum::<usize>();
            all.extend(read.values);
            count = read.count;
            if bytes > MOST {
                break;
            }
        }
        Some(Read { values: all, count })
    }
}

impl StoredState<'_> {
    /// Reads some values, in one round trip.
    fn page(&mut self, keys: &[Bytes]) -> Option<Read> {
        loop {
            match self.store.values(self.ledger, keys) {
                Ok(ReadValues { mut values, count }) => {
                    for (key, value) in keys.iter().zip(&mut values) {
                        if let Some(newer) = self.values.get(key) {
                            *value = newer;
                        }
                    }
                    let count = self.values.count(count);
                    return Some(Read { values, count });
                }
                Err(error) if (self.wait)(&error) => {}
                Err(_) => return None,
            }
        }
    }
}
