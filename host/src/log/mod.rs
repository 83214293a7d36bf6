//! The log's bounds: no value in a line is longer than 2 KiB, and a kind of warning
//! or error is written 20 times at once, then once in five seconds.
//!
//! Both hold for every line, because they sit where lines are written: code
//! that logs calls `tracing::warn!` and need not count. Names and messages that
//! others chose are cut again where they become part of an answer ([`Short`], [`fn@cut`]).
//! This folder deliberately does not know what is logged.

mod cut;
mod limit;

pub use cut::{Short, cut, fields};
pub use limit::Limit;
