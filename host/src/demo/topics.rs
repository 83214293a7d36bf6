//! The topics of the demo.

/// What the records are written to.
pub(super) const TOPIC: &str = "notifications";
/// Where malformed ones end.
pub(super) const DEAD_LETTERS: &str = "notifications-dlq";
