//! The store in Redis. `keys.rs` documents its keys.

mod answers;
mod append;
mod bell;
mod clients;
mod commands;
mod errors;
mod events;
mod keys;
mod link;
mod look;
mod new_events;
mod places;
mod reader;
mod replay;
mod resp;
mod socket;
mod sources;
mod store;
mod streams;
mod task_commands;
mod tasks;
mod tls;
mod tokens;
mod transaction;
mod trim;
mod unverified;
mod upkeep;
mod values;
mod writer;

pub use store::RedisStore;
pub(super) use tls::over_tls;
pub use writer::RedisWriter;
