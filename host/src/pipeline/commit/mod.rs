//! The worker thread that makes prepared batches true: records produced to Kafka, then the transaction in the store.

pub(super) mod late;
pub(super) mod oversize;
pub(super) mod parked;
pub(super) mod produces;
pub(super) mod worker;
