//! A value parsed from files, parsed again when they change.

use anyhow::{Context, bail, ensure};
use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often the files are read. Contents are compared, not times or inodes, so
/// that renames, swapped symlinks (as Kubernetes does) and writes in place are
/// treated alike.
const PERIOD: Duration = Duration::from_secs(1);
/// The maximum size of a file, in bytes. Keys and certificates are far smaller.
const MAX: u64 = 1 << 20;

/// A file and its content.
pub struct Content<'a> {
    /// The path, for messages.
    pub path: &'a Path,
    /// All of it. May be a secret: it has no `Debug`.
    pub bytes: Vec<u8>,
}

type Make<T> = Box<dyn Fn(&[Content<'_>]) -> anyhow::Result<T> + Send + Sync>;
/// A digest of all contents, or why they can't be read.
type Look = Result<[u8; 32], String>;

/// The value parsed from the last valid content of some files.
pub struct Watched<T> {
    what: &'static str,
    files: Vec<PathBuf>,
    make: Make<T>,
    current: ArcSwap<T>,
    looks: Mutex<Looks>,
}

struct Looks {
    /// The last content that was applied, or was refused and logged.
    taken: Look,
    /// The content at the last look.
    seen: Look,
}

impl<T: Send + Sync + 'static> Watched<T> {
    /// Reads the files, then again every second in a task that ends with the last
    /// reference. Must be called in a tokio runtime.
    ///
    /// `make` gets the contents in the order of `files`; its errors should name
    /// the file. A change is applied once two looks agree, so that a set of files
    /// that is being replaced is not read half done.
    ///
    /// # Errors
    /// When a file can't be read, or `make` refuses the content.
    pub fn start(
        what: &'static str,
        files: Vec<PathBuf>,
        make: impl Fn(&[Content<'_>]) -> anyhow::Result<T> + Send + Sync + 'static,
    ) -> anyhow::Result<Arc<Watched<T>>> {
        let watched = Arc::new(Watched::new(what, files, Box::new(make))?);
        tokio::spawn(watch(Arc::downgrade(&watched)));
        Ok(watched)
    }

    fn new(what: &'static str, files: Vec<PathBuf>, make: Make<T>) -> anyhow::Result<Watched<T>> {
        let contents = read_all(&files)?;
        let current = ArcSwap::from_pointee(make(&contents)?);
        let look = Ok(digest(&contents));
        Ok(Watched {
            what,
            current,
            looks: Mutex::new(Looks {
                taken: look.clone(),
                seen: look,
            }),
            files,
            make,
        })
    }

    /// The current value.
    pub fn current(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Reads the files; applies the content if it is new and has settled.
    fn look(&self) {
        let contents = read_all(&self.files);
        let look = match &contents {
            Ok(contents) => Ok(digest(contents)),
            Err(error) => Err(format!("{error:#}")),
        };
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = looks.seen == look;
        looks.seen = look.clone();
        if !settled || looks.taken == look {
            return;
        }
        looks.taken = look;
        match contents.and_then(|contents| (self.make)(&contents)) {
            Ok(made) => {
                self.current.store(Arc::new(made));
                tracing::info!("{} changed; using the new version", self.what);
            }
            Err(error) => tracing::error!(
                "{} changed but can't be used; keeping the previous version: {error:#}",
                self.what
            ),
        }
    }
}

/// The value that [`Watched::start`] would parse from the files now.
///
/// # Errors
/// As for [`Watched::start`].
pub fn read_once<T>(
    files: &[PathBuf],
    make: impl FnOnce(&[Content<'_>]) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    make(&read_all(files)?)
}

async fn watch<T: Send + Sync + 'static>(watched: Weak<Watched<T>>) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(watched) = watched.upgrade() else {
            return;
        };
        // The files may be on a slow network file system.
        let _ = tokio::task::spawn_blocking(move || watched.look()).await;
    }
}

fn read_all(files: &[PathBuf]) -> anyhow::Result<Vec<Content<'_>>> {
    let content = |path: &PathBuf| read(path).with_context(|| format!("can't read {path:?}"));
    let contents = files.iter().map(|path| {
        let bytes = content(path)?;
        Ok(Content { path, bytes })
    });
    contents.collect()
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    // Reading a pipe would block.
    ensure!(
        std::fs::metadata(path)?.is_file(),
        "it is not a regular file"
    );
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX {
        bail!("it is larger than {} KiB", MAX >> 10);
    }
    Ok(bytes)
}

fn digest(contents: &[Content<'_>]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for content in contents {
        digest.update((content.bytes.len() as u64).to_le_bytes());
        digest.update(&content.bytes);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Joins two files, and refuses the word "bad".
    fn joined(folder: &Path, made: Arc<AtomicU32>) -> anyhow::Result<Watched<String>> {
        let files = vec![folder.join("a"), folder.join("b")];
        let make = move |contents: &[Content<'_>]| {
            made.fetch_add(1, Ordering::Relaxed);
            let texts = contents.iter().map(|content| {
                let text = String::from_utf8(content.bytes.clone())?;
                ensure!(text != "bad", "{:?} is bad", content.path);
                Ok(text)
            });
            texts.collect::<anyhow::Result<String>>()
        };
        Watched::new("a test", files, Box::new(make))
    }

    fn write(folder: &Path, name: &str, text: &str) {
        std::fs::write(folder.join(name), text).unwrap();
    }

    #[test]
    fn a_change_is_applied_when_it_has_settled() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", "1");
        write(folder.path(), "b", "1");
        let watched = joined(folder.path(), Arc::default()).unwrap();
        assert_eq!(*watched.current(), "11");
        write(folder.path(), "a", "2");
        watched.look();
        assert_eq!(*watched.current(), "11");
        write(folder.path(), "b", "2");
        watched.look();
        assert_eq!(*watched.current(), "11", "it is still changing");
        watched.look();
        assert_eq!(*watched.current(), "22");
    }

    #[test]
    fn a_broken_replacement_is_tried_once_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", "1");
        write(folder.path(), "b", "1");
        let made = Arc::new(AtomicU32::new(0));
        let watched = joined(folder.path(), made.clone()).unwrap();
        write(folder.path(), "b", "bad");
        (0..5).for_each(|_| watched.look());
        assert_eq!(made.load(Ordering::Relaxed), 2);
        std::fs::remove_file(folder.path().join("a")).unwrap();
        (0..5).for_each(|_| watched.look());
        assert_eq!(*watched.current(), "11");
        assert_eq!(made.load(Ordering::Relaxed), 2);
        write(folder.path(), "a", "2");
        write(folder.path(), "b", "2");
        (0..5).for_each(|_| watched.look());
        assert_eq!(*watched.current(), "22");
    }

    #[test]
    fn a_symlink_with_a_new_target_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name| folder.path().join(name);
        for version in ["v1", "v2"] {
            std::fs::create_dir(at(version)).unwrap();
            write(&at(version), "a", version);
        }
        write(folder.path(), "b", "");
        // As Kubernetes swaps a secret: a -> data/a, data -> v1, then another
        // data is renamed over it.
        std::os::unix::fs::symlink("data/a", at("a")).unwrap();
        std::os::unix::fs::symlink("v1", at("data")).unwrap();
        let watched = joined(folder.path(), Arc::default()).unwrap();
        std::os::unix::fs::symlink("v2", at("next")).unwrap();
        std::fs::rename(at("next"), at("data")).unwrap();
        watched.look();
        watched.look();
        assert_eq!(*watched.current(), "v2");
    }

    #[test]
    fn a_missing_too_large_or_irregular_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", "1");
        let refused = || {
            let error = joined(folder.path(), Arc::default()).err().unwrap();
            format!("{error:#}")
        };
        assert!(refused().contains("/b\""), "{}", refused());
        std::fs::create_dir(folder.path().join("b")).unwrap();
        assert!(refused().contains("not a regular file"), "{}", refused());
        std::fs::remove_dir(folder.path().join("b")).unwrap();
        write(folder.path(), "b", &"x".repeat((1 << 20) + 1));
        assert!(refused().contains("larger than 1024 KiB"), "{}", refused());
    }

    #[tokio::test]
    async fn the_task_applies_changes_and_ends_with_the_last_reference() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", "1");
        let make = |contents: &[Content<'_>]| Ok(contents[0].bytes.clone());
        let watched = Watched::start("a test", vec![folder.path().join("a")], make).unwrap();
        write(folder.path(), "a", "2");
        while *watched.current() != b"2" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let weak = Arc::downgrade(&watched);
        drop(watched);
        while weak.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
