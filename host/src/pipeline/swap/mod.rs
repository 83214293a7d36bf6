//! Plugins replaced while the pipeline runs: watching their files, loading generations, and the breaker.

pub(super) mod breaker;
pub(super) mod generations;
pub(super) mod instances;
pub(super) mod swapper;
