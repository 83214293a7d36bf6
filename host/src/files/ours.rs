//! Folders and files that only this process's user can have written.

use std::fs::{DirBuilder, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// Creates the folder if it is missing, and checks that it is ours alone.
///
/// # Errors
/// Why it can't be used.
pub fn own_folder(folder: &Path) -> Result<(), String> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|e| format!("can't create the folder: {e}"))?;
    let found = std::fs::metadata(folder)
        .map_err(|e| format!("can't read the metadata of the folder: {e}"))?;
    is_ours(&found)
}

/// Checks that a file or folder belongs to our user and that no other may write to it.
///
/// # Errors
/// Which of the two is not so.
pub fn is_ours(found: &Metadata) -> Result<(), String> {
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err("it belongs to another user".into());
    }
    if found.mode() & 0o022 != 0 {
        return Err("other users may write to it".into());
    }
    Ok(())
}
