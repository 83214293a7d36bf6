//! Compiled code on disk, by digest, so that a restart need not compile again.
//!
//! The code is run unchecked. So the folder must be ours alone, which is
//! checked at each use, and each file ends with its digest, which reveals a
//! damaged file. The least recently used files are removed when there is too
//! much. A full disk or an unusable folder costs compiles, nothing else.

use crate::clock;
use crate::files::{is_ours, own_folder};
use sha2::{Digest, Sha256};
use std::fs::DirEntry;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

/// The default folder for compiled plugins, in the user's cache.
pub fn default_cache() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(home);
    base.unwrap_or_else(std::env::temp_dir).join("millstream")
}

/// Bytes of the digest at a file's end.
const SUM: usize = 32;
/// The most code that is kept, in bytes and files: over a hundred plugins in
/// Rust, or ten in Python.
const MOST: (u64, usize) = (1 << 30, 128);
/// A file that is still being written is younger than this.
const STALE: Duration = Duration::from_secs(600);

/// A folder of compiled plugins.
pub(super) struct Cache {
    folder: PathBuf,
    /// The last logged reason why it can't be used.
    unusable: Mutex<Option<String>>,
    /// Identifies the engine that code is for: version, settings and processor.
    engine: String,
    /// Digests of the programs in use; their code is kept.
    used: Mutex<Vec<Weak<str>>>,
    most: (u64, usize),
}

impl Cache {
    /// A cache in `folder`; unused while the folder is not safe.
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

    /// The folder, if it is usable now. Logs changes of that.
    fn folder(&self) -> Option<&Path> {
        let now = own_folder(&self.folder).err();
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

    /// Keeps the code of this digest while someone holds the digest.
    pub fn hold(&self, digest: &Arc<str>) {
        let mut used = lock(&self.used);
        used.retain(|digest| digest.strong_count() > 0);
        used.push(Arc::downgrade(digest));
    }

    /// Reads the note of a name.
    pub fn note(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.folder()?.join(format!("{name}.json"));
        whole(read(&path)?)
    }

    /// Writes the note of a name, with its digest.
    pub fn put_note(&self, name: &str, text: &[u8]) {
        let Some(folder) = self.folder() else { return };
        let path = folder.join(format!("{name}.json"));
        if let Err(error) = write(&path, text) {
            tracing::warn!(path = %path.display(), %error, "can't save which plugins are live");
        }
    }

    /// Not `.cwasm`, because the file has more than wasmtime's bytes.
    fn path(&self, digest: &str) -> Option<PathBuf> {
        let name = format!("{digest}-{}.code", self.engine);
        Some(self.folder()?.join(name))
    }

    /// The code of a digest.
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

    /// Removes the least recently used files while there is too much.
    fn make_room(&self, newest: &Path) {
        let used = lock(&self.used).clone();
        let used: Vec<_> = used.iter().filter_map(Weak::upgrade).collect();
        let is_used = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path == newest || used.iter().any(|digest| name.starts_with(&**digest))
        };
        let mut kept = files(&self.folder);
        // Files in use are counted first.
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

    /// Removes the code of a digest.
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
    /// False for a half-written file of a killed process.
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

/// Reads a file that only we can have written, and marks it as used.
fn read(path: &Path) -> Option<Vec<u8>> {
    let mut file = std::fs::File::open(path).ok()?;
    is_ours(&file.metadata().ok()?).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let _ = file.set_modified(clock::now());
    Some(bytes)
}

/// The code before its digest, if they match.
fn whole(mut kept: Vec<u8>) -> Option<Vec<u8>> {
    let (code, sum) = kept.split_last_chunk::<SUM>()?;
    let fits = Sha256::digest(code)[..] == sum[..];
    kept.truncate(kept.len() - SUM);
    fits.then_some(kept)
}

/// Writes a temporary file and renames it, so that no partial file is visible.
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

/// No code panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
