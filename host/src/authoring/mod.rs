//! The tools of plugin authors: a plugin runs on records, without Kafka and
//! Redis.
//!
//! Promises: a plugin is run and checked here exactly as by the daemon, since
//! the plugin engine is the daemon's own. This folder knows files and lines; it
//! does not know arguments, printing, pipelines or servers.

pub mod bench;
pub mod build;
pub mod compare;
pub mod debug;
mod diff;
pub mod fixtures;
mod json;
pub mod outcome;
pub mod project;
pub mod redact;
pub mod replay;
pub mod template;
pub mod types;

pub use bench::Bench;
pub use outcome::Outcome;
pub use project::{Language, Project};
