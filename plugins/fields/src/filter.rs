//! Decides which records become events.

use crate::json::{self, Level};
use crate::pointer::Pointer;
use millstream_plugin::Failure;
use serde_json::Value;
use std::collections::BTreeMap;

/// All conditions must hold: the value at the pointer is one of the allowed
/// values.
pub struct Filter(Vec<(Pointer, Vec<Value>)>);

impl Filter {
    /// Parses the table `filter` of the configuration.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(table: BTreeMap<String, Value>) -> Result<Filter, String> {
        let conditions = table.into_iter().map(|(pointer, allowed)| {
            let allowed = match allowed {
                Value::Array(list) if list.is_empty() => {
                    return Err(format!(
                        "{pointer:?} has an empty list of values, so no record would match"
                    ));
                }
                Value::Array(list) => list,
                one => vec![one],
            };
            Ok((Pointer::parse(&pointer)?, allowed))
        });
        conditions.collect::<Result<_, _>>().map(Filter)
    }

    /// Whether every record matches.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a document with this first level matches.
    ///
    /// # Errors
    /// `malformed`, if JSON on the way is not valid.
    #[inline]
    pub fn matches(&self, top: &Level) -> Result<bool, Failure> {
        Ok(self.0.is_empty() || self.all(top, false)?)
    }

    /// Whether a document that may lack fields could match: what is missing or null may be anything.
    ///
    /// # Errors
    /// `malformed`, if JSON on the way is not valid.
    pub fn may_match(&self, top: &Level) -> Result<bool, Failure> {
        self.all(top, true)
    }

    fn all(&self, top: &Level, or_missing: bool) -> Result<bool, Failure> {
        for (pointer, allowed) in &self.0 {
            let found = pointer.find(top)?;
            let Some(found) = found.filter(|found| !or_missing || found.get() != "null") else {
                if or_missing {
                    continue;
                }
                return Ok(false);
            };
            let found: Value = json::parse(found)?;
            if !allowed.iter().any(|value| equal(value, &found)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// 1 and 1.0 are the same number.
fn equal(a: &Value, b: &Value) -> bool {
    a == b || (a.is_f64() != b.is_f64() && a.as_f64().is_some() && a.as_f64() == b.as_f64())
}
