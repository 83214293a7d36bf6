//! The names of the contract's interfaces.

/// The version of the contract that this host serves.
pub const CONTRACT: &str = "0.1.0";

/// The name of a transform that keeps state.
pub(super) const STATEFUL: &str = "stateful-transform";

/// The whole name of one of its interfaces.
pub(super) fn interface(name: &str) -> String {
    format!("millstream:plugin/{name}@{CONTRACT}")
}
