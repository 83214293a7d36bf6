//! The transform worker: runs plugins, and turns a partition's records into prepared batches.

pub(super) mod decide;
pub(super) mod destinations;
pub(super) mod encode;
mod finish;
pub(super) mod grants;
pub(super) mod prepared;
pub(super) mod replays;
pub(super) mod road;
mod stored_state;
pub(super) mod task_owners;
mod undo;
pub(super) mod verdicts;
pub(super) mod worker;
