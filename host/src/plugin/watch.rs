//! Reports changes in plugin folders.
//!
//! Folders are watched, not files, because editors and `mv` replace files. A
//! folder that disappears is watched again when it is back. Not what changed is
//! reported, only whether a file is whole now: the listener compares digests, and
//! also does so at intervals, since notifications get lost.

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What happened in a watched folder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// A file is whole: it was renamed, or written and closed.
    Whole,
    /// Anything else. A file may be half written.
    Other,
}

/// Watches folders while it lives.
pub struct FolderWatch {
    watcher: Option<RecommendedWatcher>,
    /// The watched folders, and the inode that each had.
    folders: BTreeMap<PathBuf, Option<u64>>,
}

impl FolderWatch {
    /// Calls `changed`, from another thread, when something in a watched folder
    /// changes.
    pub fn new(changed: impl Fn(Change) + Send + 'static) -> FolderWatch {
        let handler = move |event: notify::Result<notify::Event>| match event.map(|it| it.kind) {
            Ok(
                EventKind::Access(AccessKind::Close(AccessMode::Write))
                | EventKind::Modify(ModifyKind::Name(_)),
            ) => changed(Change::Whole),
            // Reading a file does not change it.
            Ok(EventKind::Access(_)) => {}
            // An error may hide a change.
            Ok(_) | Err(_) => changed(Change::Other),
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

    /// Watches the folders of these files and no others. Cheap if nothing
    /// changed: call it at every check.
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
