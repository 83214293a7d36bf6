//! Protobuf: the libraries compile `.proto` files, and a plan made of them reads messages and
//! writes Protobuf's own JSON.

#[cfg(feature = "schemas")]
mod build;
#[cfg(feature = "schemas")]
mod compile;
mod found;
mod map;
mod number;
mod plan;
mod read;
#[cfg(test)]
#[cfg(feature = "schemas")]
mod tests;
mod well_known;
mod wire;
mod write;

pub(super) use plan::{Field, Id, Kind, Plan, Shape, WellKnown};
