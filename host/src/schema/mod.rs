//! Schemas of keys and values: what they decode to JSON, and how JSON is encoded by them.
//!
//! Schemas and values come from others. A schema is refused, or it decodes any value in bounded
//! time and memory. This folder deliberately does not know Kafka, pipelines or plugins.

mod avro;
mod child;
mod decimal;
mod encoder;
mod encoding;
mod expected;
mod fault;
mod file;
mod instant;
mod json;
mod limits;
mod parsed;
mod plan;
mod protobuf;
mod registry;
mod source;
mod table;
mod time;
pub mod types;
mod wire;

pub use child::child;
pub use encoder::Encoder;
pub use encoding::{EncodeBy, Encoding, SchemaChoice};
pub use fault::{Fault, FaultKind};
pub use file::SchemaFile;
pub use limits::Limits;
pub use parsed::Schema;
pub use registry::{Catalog, Decoded, Entry, Found, Known, Registry, RegistrySettings};
pub use source::{Format, Source};
pub use table::Table;
pub use wire::{Framed, Part, SchemaId};
