//! The topics of the demo.

/// The topic of the records.
pub(super) const TOPIC: &str = "notifications";
/// The topic of dead letters.
pub(super) const DEAD_LETTERS: &str = "notifications-dlq";
