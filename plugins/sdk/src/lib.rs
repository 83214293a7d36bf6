//! Write Millstream plugins: one trait and one macro for each kind.
//!
//! | kind | trait | macro | answers |
//! |---|---|---|---|
//! | transform | [`Transform`] | [`transform!`] | which events a record becomes, and for which client or group |
//! | transform with state | [`StatefulTransform`] | [`stateful_transform!`] | the same, from the record and what was kept of earlier ones |
//! | route | [`Route`] | [`route!`] | where an event goes |
//! | dead-letter | [`DeadLetter`] | [`dead_letter!`] | what happens to a failed record |
//!
//! A plugin is a crate with `crate-type = ["cdylib", "rlib"]`, built for
//! `wasm32-unknown-unknown`. Its logic is plain Rust: [`testing`] runs it
//! natively under `cargo test`, through the same flat batches as the host.
//!
//! Three capabilities must be granted in the plugin's table of the configuration:
//! `log` ([`mod@log`]), `clock` ([`clock`]) and `keyvalue` ([`StatefulTransform`]).

#![warn(missing_docs)]

extern crate self as millstream_plugin;

#[doc(hidden)]
pub mod abi;
mod address;
pub mod clock;
mod config;
mod dead_letter;
mod failure;
pub mod json;
pub mod log;
#[doc(hidden)]
pub mod panic;
mod record;
mod route;
mod slot;
mod stateful;
pub mod testing;
mod tombstones;
mod transform;

pub use address::Address;
pub use config::Config;
pub use dead_letter::{DeadLetter, Decision, FailedRecord, Letter, Value};
pub use failure::{Class, Failure};
pub use record::Record;
pub use route::{Deliver, Destination, Needs, Route, RoutedEvent, ToTopic, TopicHeader};
pub use stateful::{Keys, State, StatefulTransform};
pub use tombstones::Tombstones;
pub use transform::{Events, NewEvent, Transform};

#[doc(hidden)]
pub use dead_letter::run as run_dead_letter;
#[doc(hidden)]
pub use route::run as run_route;
#[doc(hidden)]
pub use slot::Slot;
#[doc(hidden)]
pub use stateful::{keys as stateful_keys, run as run_stateful};
#[doc(hidden)]
pub use transform::run as run_transform;
