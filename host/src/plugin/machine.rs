//! What fails for the machine's sake, and may succeed a moment later.

/// The machine's trouble, not the plugin's.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct MachinesTrouble(pub &'static str);

/// Whether a plugin that could not be loaded may well be good: worth another try.
pub fn is_machines_trouble(error: &anyhow::Error) -> bool {
    error.is::<MachinesTrouble>()
}
