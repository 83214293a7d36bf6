//! Avro: the library parses schemas, and a plan made of one reads its values.

mod keys;
mod names;
mod plan;
mod read;
#[cfg(test)]
mod tests;
mod varint;
mod write;

pub(super) use plan::{Field, Id, Node, Plan};
