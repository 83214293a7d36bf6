//! One partition: its state, where it starts, and how it is assigned, read and
//! revoked.
//!
//! Promises: a partition has one phase at a time, and whoever waits for it is
//! woken by what it waits for; a partition starts where its ledger says or, by
//! rules that are judged in one place, elsewhere. It knows nothing of plugins
//! but when they change.

pub(super) mod assignment;
pub(super) mod commit_mark;
pub(super) mod opening;
pub(super) mod reader;
pub(super) mod remaining;
pub(super) mod repair;
pub(super) mod starts;
pub(super) mod state;
