//! Values as users write them: `"24h"`, `"64MiB"`, `"${REDIS_PASSWORD}"`. An error for another kind
//! of value says how to write it, not serde's name for it.

mod environment;
mod expand;
mod json;
mod kinds;
mod measures;
mod text;

pub(super) use environment::from_str;
pub(super) use json::to_json;
pub(super) use kinds::{List, list};
pub(super) use measures::{Bytes, Time, shown};
pub(super) use text::{Names, Text};
