//! Write Millstream plugins: one trait and one macro for each kind.
//!
//! | kind | trait | macro | answers |
//! |---|---|---|---|
//! | transform | [`Transform`] | [`transform!`] | which events a record becomes, and for which client or group |
//! | route | [`Route`] | [`route!`] | where an event goes |
//! | dead-letter | [`DeadLetter`] | [`dead_letter!`] | what happens to a failed record |
//!
//! A plugin is a crate with `crate-type = ["cdylib", "rlib"]`, built for
//! `wasm32-unknown-unknown`. Its logic is plain Rust: [`testing`] runs it
//! natively under `cargo test`, through the same flat batches as the host.

#![warn(missing_docs)]

extern crate self as millstream_plugin;

#[doc(hidden)]
pub mod abi;
mod address;
mod config;
mod dead_letter;
mod failure;
pub mod json;
#[doc(hidden)]
pub mod panic;
mod record;
mod route;
mod slot;
pub mod testing;
mod tombstones;
mod transform;

pub use address::Address;
pub use config::Config;
pub use dead_letter::{DeadLetter, Decision, FailedRecord, Letter, Value};
pub use failure::{Class, Failure};
pub use record::Record;
pub use route::{Deliver, Destination, Needs, Route, RoutedEvent, ToTopic, TopicHeader};
pub use tombstones::Tombstones;
pub use transform::{Events, NewEvent, Transform};

#[doc(hidden)]
pub use dead_letter::run as run_dead_letter;
#[doc(hidden)]
pub use route::run as run_route;
#[doc(hidden)]
pub use slot::Slot;
#[doc(hidden)]
pub use transform::run as run_transform;
