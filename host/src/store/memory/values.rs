//! Values of a stateful transform.

use crate::record::StateValue;
use crate::store::{Append, ReadValues};
use bytes::Bytes;
use std::collections::HashMap;

/// The values of one partition.
#[derive(Default)]
pub(super) struct Values {
    of: HashMap<Bytes, StateValue>,
    /// How many there were when expired ones were last removed.
    swept: usize,
}

impl Values {
    pub fn read(&self, keys: &[Bytes]) -> ReadValues {
        ReadValues {
            values: keys.iter().map(|key| self.of.get(key).cloned()).collect(),
            count: self.of.len(),
        }
    }

    pub fn write(&mut self, append: &Append) {
        for new in append.values {
            match &new.value {
                Some(value) => self.of.insert(new.key.clone(), value.clone()),
                None => self.of.remove(&new.key),
            };
        }
        // Now and then: each look at all of them pays for as many new ones.
        if self.of.len() > 2 * self.swept + 1000 {
            self.of.retain(|_, value| value.expires > append.clock);
            self.swept = self.of.len();
        }
    }
}
