//! Tells when plugin folders change.
//!
//! Folders are watched, not files: editors and `mv` replace files. A folder
//! that goes away is watched again when it is back. What changed is not said,
//! only that something did: whoever listens compares digests, and looks now
//! and then without being told, since notifications get lost.

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Watches folders for as long as it lives.
pub struct FolderWatch {
    watcher: Option<RecommendedWatcher>,
    /// The folders, and which inode each was when it was watched last.
    folders: BTreeMap<PathBuf, Option<u64>>,
}

impl FolderWatch {
    /// Calls `changed` (from a thread of its own) when something in a watched
    /// folder did.
    pub fn new(changed: impl Fn() + Send + 'static) -> FolderWatch {
        let handler = move |event: notify::Result<notify::Event>| {
            // Reading a file is no change of it; an error may hide one.
            if event.is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            changed();
        };
        let watcher = notify::recommended_watcher(handler)
            .inspect_err(|error| {
                tracing::warn!(%error, "can't watch files; comparing plugin files at intervals only");
            })
            .ok();
        FolderWatch {
            watcher,
            folders: BTreeMap::new(),
        }
    }

    /// Watches the folders of these files, and none else. Cheap when nothing
    /// changed: call it at every look.
    pub fn watch<'a>(&mut self, files: impl Iterator<Item = &'a Path>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        let wanted: Vec<PathBuf> = files.map(folder_of).collect();
        for gone in self
            .folders
            .extract_if(.., |folder, _| !wanted.contains(folder))
        {
            let _ = watcher.unwatch(&gone.0);
        }
        for folder in wanted {
            let inode = std::fs::metadata(&folder).ok().map(|found| found.ino());
            let known = self.folders.entry(folder.clone()).or_default();
            if *known == inode {
                continue;
            }
            let _ = watcher.unwatch(&folder);
            let watched =
                inode.filter(|_| watcher.watch(&folder, RecursiveMode::NonRecursive).is_ok());
            if watched.is_none() {
                tracing::warn!(folder = %folder.display(), "can't watch this plugin folder; retrying");
            }
            *known = watched;
        }
    }
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}
