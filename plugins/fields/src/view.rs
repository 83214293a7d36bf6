//! Where sources are read.

use crate::json::Level;
use crate::source::Found;
use millstream_plugin::{Failure, Record};

/// A record as a plugin looks at it.
pub trait View<'a> {
    /// The record.
    fn record(&self) -> Record<'a>;

    /// The first level of the JSON that pointers start from.
    fn top(&self) -> &Level<'a>;

    /// What the record's key says, for the source `key`.
    ///
    /// # Errors
    /// `malformed`.
    #[inline]
    fn key(&self) -> Result<Found<'a>, Failure> {
        Ok(Found::of_bytes(self.record().key()))
    }

    /// The first level of the key, for the source `key:/pointer`.
    ///
    /// # Errors
    /// `malformed`, if the key is not JSON.
    fn key_top(&self) -> Result<Level<'a>, Failure> {
        match self.record().key() {
            None => Ok(Level::Scalar),
            Some(key) => Level::parse(key).map_err(|failure| Failure {
                message: format!("the key: {}", failure.message),
                ..failure
            }),
        }
    }

    /// What a name of the plugin's own stands for. Only names that its
    /// [`Names`](crate::Names) know are asked for.
    ///
    /// # Errors
    /// `malformed`.
    fn named(&self, _name: &str) -> Result<Found<'a>, Failure> {
        Ok(Found::Nothing("missing"))
    }
}

/// The record itself.
impl<'a> View<'a> for (Record<'a>, Level<'a>) {
    #[inline]
    fn record(&self) -> Record<'a> {
        self.0
    }

    #[inline]
    fn top(&self) -> &Level<'a> {
        &self.1
    }
}
