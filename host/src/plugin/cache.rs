//! Machine code on disk, by digest: a restart need not compile again.
//!
//! What lies there is run as it is, so the folder must be ours alone, and each
//! file ends with its own sum: a disk that lost or changed some of it is found
//! out before. A full disk or a folder that can't be used costs compiles, never
//! more.

use sha2::{Digest, Sha256};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The bytes of a sum.
const SUM: usize = 32;

/// A folder of compiled plugins.
pub(super) struct Cache {
    folder: Option<PathBuf>,
    /// Code is of one engine: its version, its settings, this processor.
    engine: String,
}

impl Cache {
    /// A cache in `folder`, or none where that can't be used safely.
    pub fn open(folder: &Path, engine: &wasmtime::Engine) -> Cache {
        let mut hash = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hash);
        let engine = format!("{:016x}", hash.finish());
        let folder = match usable(folder) {
            Ok(()) => Some(folder.to_path_buf()),
            Err(reason) => {
                tracing::warn!(folder = %folder.display(), %reason, "no compile cache");
                None
            }
        };
        Cache { folder, engine }
    }

    /// What was noted under a name.
    pub fn note(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.folder.as_ref()?.join(format!("{name}.json"));
        whole(std::fs::read(path).ok()?)
    }

    /// Notes something under a name, with its sum behind it.
    pub fn put_note(&self, name: &str, text: &[u8]) {
        let Some(folder) = &self.folder else { return };
        let path = folder.join(format!("{name}.json"));
        if let Err(error) = write(&path, text) {
            tracing::warn!(path = %path.display(), %error, "can't note which plugins are live");
        }
    }

    /// Not `.cwasm`: that ends where wasmtime's own bytes do.
    fn path(&self, digest: &str) -> Option<PathBuf> {
        Some(
            self.folder
                .as_ref()?
                .join(format!("{digest}-{}.code", self.engine)),
        )
    }

    /// The code of a digest, as it was put.
    pub fn get(&self, digest: &str) -> Option<Vec<u8>> {
        let path = self.path(digest)?;
        let code = whole(std::fs::read(&path).ok()?);
        if code.is_none() {
            tracing::warn!(path = %path.display(), "compiled code in the cache is damaged");
            self.remove(digest);
        }
        code
    }

    /// Keeps the code of a digest.
    pub fn put(&self, digest: &str, code: &[u8]) {
        let Some(path) = self.path(digest) else {
            return;
        };
        if let Err(error) = write(&path, code) {
            tracing::warn!(path = %path.display(), %error, "can't keep compiled code");
        }
    }

    /// Forgets the code of a digest.
    pub fn remove(&self, digest: &str) {
        if let Some(path) = self.path(digest) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The code before its sum, where they fit.
fn whole(mut kept: Vec<u8>) -> Option<Vec<u8>> {
    let (code, sum) = kept.split_last_chunk::<SUM>()?;
    let fits = Sha256::digest(code)[..] == sum[..];
    kept.truncate(kept.len() - SUM);
    fits.then_some(kept)
}

/// Whole or not at all: written aside, then renamed.
fn write(path: &Path, code: &[u8]) -> std::io::Result<()> {
    let aside = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside);
    let fill = |mut file: std::fs::File| {
        file.write_all(code)?;
        file.write_all(&Sha256::digest(code))?;
        file.sync_data()
    };
    let written = file
        .and_then(fill)
        .and_then(|()| std::fs::rename(&aside, path));
    written.inspect_err(|_| drop(std::fs::remove_file(&aside)))
}

fn usable(folder: &Path) -> Result<(), String> {
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    made.map_err(|e| format!("can't make it: {e}"))?;
    let found = std::fs::metadata(folder).map_err(|e| format!("can't look at it: {e}"))?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err("it belongs to another user".into());
    }
    if found.mode() & 0o022 != 0 {
        return Err("others may write to it".into());
    }
    Ok(())
}
