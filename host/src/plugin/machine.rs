//! Failures of the machine, which may pass.

use std::borrow::Cow;

/// A failure of the machine, not of the plugin.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct MachinesTrouble(pub Cow<'static, str>);

/// Whether loading failed because of the machine, so that a retry may succeed.
pub fn is_machines_trouble(error: &anyhow::Error) -> bool {
    error.is::<MachinesTrouble>()
}
