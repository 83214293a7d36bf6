//! The bounds of the log: no value in a line is longer than 2 KiB, and each kind of
//! warning or error is written 20 times at once, then once in five seconds; the
//! lines of a plugin 100 times at once, then ten times a second.
//!
//! Both apply to every line, since they work where lines are written: code that
//! logs calls `tracing::warn!` and does not count. Names and messages from outside
//! are also cut where they become part of an answer ([`Short`], [`fn@cut`]).
//! This folder deliberately does not know what is logged.

mod cut;
mod limit;

pub use cut::{Short, cut, fields};
pub use limit::{Limit, PLUGINS};
