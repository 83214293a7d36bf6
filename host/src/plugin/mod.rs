//! The plugin engine: untrusted wasm, stopped at its limits, its answers
//! checked, replaced while it runs.
//!
//! Promises: whatever a plugin does, a call returns in bounded time and memory
//! with an answer for every record. A plugin that may go live has been compiled
//! in a child process, linked, configured and tested. This folder does not know
//! Kafka, the store, or when a swap happens. It alone names wasmtime and
//! notify.

mod abi;
mod any;
#[cfg(test)]
mod anything;
pub mod bundled;
mod cache;
mod calling;
mod capabilities;
mod check;
pub mod compile;
mod componentize;
pub mod conformance;
mod contract;
mod dead_letter;
mod engine;
pub mod fixture;
mod guest;
mod inspect;
mod kept;
mod limits;
mod load;
mod machine;
mod made;
mod meter;
mod outgoing;
mod panics;
mod probe;
mod room;
mod route;
mod search;
mod slot;
mod source;
mod state;
mod transform;
mod watch;

pub use any::{AnyPlugin, PluginKind};
pub use cache::default_cache;
pub use calling::{LogLevel, LogLine};
pub use capabilities::{Capabilities, Capability};
pub use componentize::{componentize, imports_log};
pub use contract::CONTRACT;
pub use dead_letter::{DeadLetter, DeadLetterInstance, LetterValue, Ruling, Rulings};
pub use engine::MEMORY_MAX;
pub use guest::{CallError, Program};
pub use inspect::Inspection;
pub use kept::Kept;
pub use limits::Limits;
pub use load::{Generation, Loader, Spec};
pub use machine::is_machines_trouble;
pub use made::Made;
pub use meter::{Meter, Usage};
pub use probe::{Answer, AnswerEvent, BATCH, Case, CaseEvent, CaseFailure, Probe};
pub use route::{Decision, Needs, Route, RouteInstance, Routed, StreamDelivery, ToTopic};
pub use search::{End, Turn};
pub use source::{Source, Wasm, digest_of};
pub use state::{NoState, Read, ReadState};
pub use transform::{Transform, TransformInstance};
pub use watch::{Change, FolderWatch};
