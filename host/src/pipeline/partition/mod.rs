//! One partition: its state, where it starts, and how it is assigned, read and
//! revoked.
//!
//! Promises: a partition has one phase at a time, and a thread that waits for it is
//! woken when its condition holds. A partition starts where its ledger says, or
//! elsewhere by rules that are in one place (`opening`). This folder knows nothing
//! of plugins except when they change.

pub(super) mod assignment;
pub(super) mod commit_mark;
pub(super) mod opening;
pub(super) mod reader;
pub(super) mod remaining;
pub(super) mod repair;
pub(super) mod starts;
pub(super) mod state;
pub(super) mod values;
