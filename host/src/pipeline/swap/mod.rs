//! Replaces plugins while the pipeline runs: watches files, loads generations, and has the breaker.

pub(super) mod breaker;
pub(super) mod generations;
pub(super) mod instances;
pub(super) mod swapper;
mod watched;
