//! Millstream's daemon.
pub mod record;
pub mod store;
pub mod plugin;
pub mod ingest;
