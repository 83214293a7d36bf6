use crate::janitor::{scratch_dir, target_dir};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The folder with the libraries; panics with the command that installs them.
pub(super) fn find() -> PathBuf {
    let dir = target_dir().join(format!("clients-{}", hash()));
    let complete = dir.join(".complete").exists();
    assert!(
        complete,
        "no SSE clients in {}. Run `tests/run --setup`: it fetches them",
        dir.display()
    );
    dir
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
