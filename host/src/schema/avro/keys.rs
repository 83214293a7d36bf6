//! The keys of a map.

use crate::schema::fault::Fault;
use std::collections::HashSet;

/// The keys of a map so far. Two equal ones would be JSON that readers understand differently.
#[derive(Default)]
pub(super) struct Keys<'a> {
    few: Vec<&'a [u8]>,
    many: HashSet<&'a [u8]>,
}

impl<'a> Keys<'a> {
    /// Up to so many are compared one by one.
    const FEW: usize = 16;

    /// Whether there are none.
    pub fn is_first(&self) -> bool {
        self.few.is_empty()
    }

    /// Adds a key.
    ///
    /// # Errors
    /// When the map has it already.
    pub fn add(&mut self, key: &'a [u8]) -> Result<(), Fault> {
        let is_known = match self.few.len() < Self::FEW {
            true => self.few.contains(&key),
            false => self.few.contains(&key) || !self.many.insert(key),
        };
        if is_known {
            let key = String::from_utf8_lossy(key);
            return Err(Fault::malformed(format!("a map has the key {key:?} twice")));
        }
        if self.few.len() < Self::FEW {
            self.few.push(key);
        }
        Ok(())
    }
}
