//! The values of a stateful transform that are written and not stored yet.
//!
//! Batches are prepared ahead of their commit, so a batch reads the writes of those
//! before it here, and all else in the store. Writes are dropped once they are
//! stored, and all of them when the partition rewinds.

use crate::record::StateValue;
use crate::store::NewValue;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};

/// A partition's writes that are not stored yet: those of at most three batches.
#[derive(Default)]
pub(in crate::pipeline) struct UnstoredValues {
    /// Each value, and the offset after the batch that wrote it last.
    values: HashMap<Bytes, (Option<StateValue>, i64)>,
    batches: VecDeque<Written>,
}

/// What a batch wrote.
struct Written {
    /// The offset after the batch.
    next: i64,
    keys: Vec<Bytes>,
    /// How many more keys have a value after it than before.
    more: isize,
}

impl UnstoredValues {
    /// A value that was written and is not stored yet; `Some(None)` if it was
    /// removed.
    pub fn get(&self, key: &Bytes) -> Option<Option<StateValue>> {
        let (value, _) = self.values.get(key)?;
        Some(value.clone())
    }

    /// Adds the writes of a prepared batch that ends before `next`.
    pub fn add(&mut self, next: i64, written: &[NewValue]) {
        if written.is_empty() {
            return;
        }
        for new in written {
            let value = (new.value.clone(), next);
            self.values.insert(new.key.clone(), value);
        }
        let more =
            |new: &NewValue| isize::from(new.value.is_some()) - isize::from(new.before.is_some());
        self.batches.push_back(Written {
            next,
            keys: written.iter().map(|new| new.key.clone()).collect(),
            more: written.iter().map(more).sum(),
        });
    }

    /// How many keys have a value, where `stored` have one in the store.
    pub fn count(&self, stored: usize) -> usize {
        let more: isize = self.batches.iter().map(|batch| batch.more).sum();
        stored.saturating_add_signed(more)
    }

    /// Drops what is stored: everything up to `done`. Whoever reads the store after
    /// this reads these values there.
    pub fn stored(&mut self, done: i64) {
        let is_stored = |batch: &mut Written| batch.next <= done;
        while let Some(Written { next, keys, .. }) = self.batches.pop_front_if(is_stored) {
            for key in keys {
                if self.values.get(&key).is_some_and(|(_, by)| *by == next) {
                    self.values.remove(&key);
                }
            }
        }
    }

    /// Drops everything: the partition continues elsewhere.
    pub fn clear(&mut self) {
        self.values.clear();
        self.batches.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(key: &'static str, value: &'static str) -> NewValue {
        NewValue {
            key: key.into(),
            value: (!value.is_empty()).then(|| StateValue {
                bytes: value.into(),
                expires: i64::MAX,
            }),
            before: None,
        }
    }

    #[track_caller]
    fn check(values: &UnstoredValues, expected: [Option<&str>; 2]) {
        let text = |key: &'static str| {
            let found = values.get(&key.into())?;
            let bytes = found.map_or(Vec::new(), |value| value.bytes.to_vec());
            Some(String::from_utf8(bytes).unwrap())
        };
        assert_eq!(["a", "b"].map(text), expected.map(|e| e.map(String::from)));
    }

    #[test]
    fn the_last_write_counts_until_its_batch_is_stored() {
        let mut values = UnstoredValues::default();
        values.add(10, &[new("a", "1"), new("b", "1")]);
        values.add(20, &[new("a", "2")]);
        assert_eq!(values.count(7), 10);
        check(&values, [Some("2"), Some("1")]);
        values.stored(9);
        check(&values, [Some("2"), Some("1")]);
        values.stored(10);
        check(&values, [Some("2"), None]);
        values.add(30, &[new("a", "")]);
        values.stored(25);
        check(&values, [Some(""), None]);
        values.stored(30);
        check(&values, [None, None]);
        assert!(values.values.is_empty() && values.batches.is_empty());
    }

    #[test]
    fn a_rewind_drops_everything() {
        let mut values = UnstoredValues::default();
        values.add(10, &[new("a", "1")]);
        values.clear();
        check(&values, [None, None]);
    }
}
