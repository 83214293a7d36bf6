use crate::janitor::{fetched, scratch_dir};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The folder with the libraries.
pub(super) fn find() -> PathBuf {
    fetched(&format!("clients-{}", hash()), "SSE clients")
}

/// TypeScript's compiler.
pub fn typescript() -> PathBuf {
    find().join("node/node_modules/.bin/tsc")
}

/// A copy of this script beside the libraries, where Node finds them.
pub(super) fn beside(script: &Path) -> PathBuf {
    let dir = scratch_dir("reader");
    symlink(find().join("node/node_modules"), dir.join("node_modules")).unwrap();
    let copy = dir.join(script.file_name().unwrap());
    fs::copy(script, &copy).unwrap();
    copy
}

/// The checksum of the lock files, computed like in `tests/run`.
fn hash() -> String {
    let mut digest = Sha256::new();
    digest.update(include_str!("../../clients/python/requirements.txt"));
    digest.update(include_str!("../../../examples/tasks/requirements.txt"));
    digest.update(include_str!("../../clients/node/package-lock.json"));
    let bytes = digest.finalize();
    bytes[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
