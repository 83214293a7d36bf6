//! Machine code on disk, by digest: a restart need not compile again.
//!
//! What lies there is run as it is, so the folder must be ours alone, which is
//! looked at each time, and each file ends with its own sum: a disk that lost or
//! changed some of it is found out before. What was not used for longest goes
//! when there is too much. A full disk or a folder that can't be used costs
//! compiles, never more.

use crate::clock;
use sha2::{Digest, Sha256};
use std::fs::{DirEntry, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

/// The bytes of a sum.
const SUM: usize = 32;
/// The most code that is kept, in bytes and in files: a good hundred of plugins
/// in Rust, or ten in Python.
const MOST: (u64, usize) = (1 << 30, 128);
/// A file that is still being written is younger.
const STALE: Duration = Duration::from_secs(600);

/// A folder of compiled plugins.
pub(super) struct Cache {
    folder: PathBuf,
    /// Why it can't be used, as was last said.
    unusable: Mutex<Option<String>>,
    /// Code is of one engine: its version, its settings, this processor.
    engine: String,
    /// Digests of the programs that are there: as long as they are, their code
    /// stays.
    used: Mutex<Vec<Weak<str>>>,
    most: (u64, usize),
}

impl Cache {
    /// A cache in `folder`, or none as long as that can't be used safely.
    pub fn open(folder: &Path, engine: &wasmtime::Engine) -> Cache {
        let mut hash = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hash);
        let cache = Cache {
            folder: folder.to_path_buf(),
            unusable: Mutex::default(),
            engine: format!("{:016x}", hash.finish()),
            used: Mutex::default(),
            most: MOST,
        };
        let _ = cache.folder();
        cache
    }

    /// The folder, if it can be used now. Says so when that changes.
    fn folder(&self) -> Option<&Path> {
        let now = usable(&self.folder).err();
        let before = std::mem::replace(&mut *lock(&self.unusable), now.clone());
        let folder = self.folder.display();
        match now {
            Some(reason) if before.as_ref() != Some(&reason) => {
                tracing::warn!(%folder, reason, "can't use the compile cache");
            }
            None if before.is_some() => tracing::info!(%folder, "using the compile cache again"),
            _ => {}
        }
        lock(&self.unusable).is_none().then_some(&*self.folder)
    }

    /// Keeps the code of this digest as long as someone has it.
    pub fn hold(&self, digest: &Arc<str>) {
        let mut used = lock(&self.used);
        used.retain(|digest| digest.strong_count() > 0);
        used.push(Arc::downgrade(digest));
    }

    /// What was noted under a name.
    pub fn note(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.folder()?.join(format!("{name}.json"));
        whole(read(&path)?)
    }

    /// Notes something under a name, with its sum behind it.
    pub fn put_note(&self, name: &str, text: &[u8]) {
        let Some(folder) = self.folder() else { return };
        let path = folder.join(format!("{name}.json"));
        if let Err(error) = write(&path, text) {
            tracing::warn!(path = %path.display(), %error, "can't save which plugins are live");
        }
    }

    /// Not `.cwasm`: that ends where wasmtime's own bytes do.
    fn path(&self, digest: &str) -> Option<PathBuf> {
        let name = format!("{digest}-{}.code", self.engine);
        Some(self.folder()?.join(name))
    }

    /// The code of a digest, as it was put.
    pub fn get(&self, digest: &str) -> Option<Vec<u8>> {
        let path = self.path(digest)?;
        let code = whole(read(&path)?);
        if code.is_none() {
            tracing::warn!(path = %path.display(), "compiled code in the cache is damaged; removing it");
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
            tracing::warn!(path = %path.display(), %error, "can't save compiled code in the cache");
        }
        self.make_room(&path);
    }

    /// Removes what was not used for longest, as far as there is too much.
    fn make_room(&self, newest: &Path) {
        let used = lock(&self.used).clone();
        let used: Vec<_> = used.iter().filter_map(Weak::upgrade).collect();
        let is_used = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path == newest || used.iter().any(|digest| name.starts_with(&**digest))
        };
        let mut kept = files(&self.folder);
        // What is in use takes its room first.
        kept.sort_by_key(|file| (!is_used(&file.path), std::cmp::Reverse(file.used)));
        let (mut bytes, mut count) = (0, 0);
        for file in kept {
            (bytes, count) = (bytes + file.size, count + 1);
            let too_much = bytes > self.most.0 || count > self.most.1;
            let left_over = !file.is_code && file.used.elapsed().is_ok_and(|age| age > STALE);
            if (too_much && file.is_code && !is_used(&file.path)) || left_over {
                let _ = std::fs::remove_file(&file.path);
                (bytes, count) = (bytes - file.size, count - 1);
            }
        }
    }

    /// Forgets the code of a digest.
    pub fn remove(&self, digest: &str) {
        if let Some(path) = self.path(digest) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// One file of the cache.
struct Kept {
    path: PathBuf,
    size: u64,
    used: SystemTime,
    /// Or what a process that was killed has left half written.
    is_code: bool,
}

fn files(folder: &Path) -> Vec<Kept> {
    let kept = |entry: DirEntry| {
        let path = entry.path();
        let is_code = match path.extension()?.to_str()? {
            "code" => true,
            "tmp" => false,
            _ => return None,
        };
        let found = entry.metadata().ok()?;
        Some(Kept {
            path,
            size: found.len(),
            used: found.modified().ok()?,
            is_code,
        })
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.flatten().filter_map(kept).collect()
}

/// A file that only we can have written, which is used now.
fn read(path: &Path) -> Option<Vec<u8>> {
    let mut file = std::fs::File::open(path).ok()?;
    is_ours(&file.metadata().ok()?).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let _ = file.set_modified(clock::now());
    Some(bytes)
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
    made.map_err(|e| format!("can't create the folder: {e}"))?;
    let found = std::fs::metadata(folder)
        .map_err(|e| format!("can't read the metadata of the folder: {e}"))?;
    is_ours(&found)
}

fn is_ours(found: &Metadata) -> Result<(), String> {
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err("it belongs to another user".into());
    }
    if found.mode() & 0o022 != 0 {
        return Err("other users may write to it".into());
    }
    Ok(())
}

/// Nothing panics while it holds one of these.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
