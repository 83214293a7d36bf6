//! Values of a stateful transform.

use crate::record::StateValue;
use crate::store::{Append, NewValue, ReadValues};
use bytes::Bytes;
use std::collections::{BTreeSet, HashMap};

/// The values of one partition.
#[derive(Default)]
pub(super) struct Values {
    of: HashMap<Bytes, StateValue>,
    /// When values expire, and their keys.
    expiry: BTreeSet<(i64, Bytes)>,
}

impl Values {
    pub fn read(&self, keys: &[Bytes]) -> ReadValues {
        ReadValues {
            values: keys.iter().map(|key| self.of.get(key).cloned()).collect(),
            count: self.of.len(),
        }
    }

    pub fn write(&mut self, append: &Append) {
        for NewValue { key, value, .. } in append.values {
            let before = match value {
                Some(value) => self.of.insert(key.clone(), value.clone()),
                None => self.of.remove(key),
            };
            if let Some(before) = before {
                self.expiry.remove(&(before.expires, key.clone()));
            }
            if let Some(value) = value.as_ref().filter(|value| value.expires < i64::MAX) {
                self.expiry.insert((value.expires, key.clone()));
            }
        }
        while let Some((expires, _)) = self.expiry.first()
            && *expires <= append.clock
            && let Some((_, key)) = self.expiry.pop_first()
        {
            self.of.remove(&key);
        }
    }
}
