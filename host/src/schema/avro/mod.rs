//! Avro: the library parses schemas, and a plan made of one reads its values.

#[cfg(feature = "schemas")]
mod build;
mod keys;
#[cfg(feature = "schemas")]
mod names;
mod plan;
mod read;
#[cfg(test)]
#[cfg(feature = "schemas")]
mod tests;
mod varint;
mod write;

pub(super) use plan::{Field, Id, Node, Plan};
