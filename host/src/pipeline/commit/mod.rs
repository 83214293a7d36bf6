//! The commit worker: a prepared batch's records go to Kafka, then its transaction to the store.

pub(super) mod late;
pub(super) mod oversize;
pub(super) mod parked;
pub(super) mod produces;
pub(super) mod worker;
