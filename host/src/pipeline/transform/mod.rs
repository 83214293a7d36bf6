//! The transform worker: runs plugins, and turns a partition's records into prepared batches.

pub(super) mod decide;
pub(super) mod destinations;
mod finish;
pub(super) mod grants;
pub(super) mod prepared;
pub(super) mod replays;
pub(super) mod road;
pub(super) mod task_owners;
pub(super) mod verdicts;
pub(super) mod worker;
