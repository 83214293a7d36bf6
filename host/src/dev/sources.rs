//! The source of a project: which of its files changed.

use crate::clock;
use crate::plugin::FolderWatch;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, SystemTime};

/// Folders that hold no source: what tools write, and what they install.
const NO_SOURCE: [&str; 5] = ["dist", "target", "node_modules", "__pycache__", "venv"];
/// The most files: a folder with more is no project.
const FILES: usize = 10_000;
/// Notifications get lost, so files are compared this often anyway.
const LOOK: Duration = Duration::from_millis(500);
/// Editors write several files at once, or one in pieces.
const SETTLE: Duration = Duration::from_millis(15);

/// A file's time of change and its size.
type Mark = (SystemTime, u64);

/// A change that was seen.
pub(super) struct Change {
    /// The file, relative to the project.
    pub file: PathBuf,
    /// When it was saved.
    pub at: SystemTime,
}

/// Watches the files of a project.
pub(super) struct Sources {
    folder: PathBuf,
    known: BTreeMap<PathBuf, Mark>,
    watch: FolderWatch,
    changes: Receiver<()>,
}

impl Sources {
    /// Watches from now on.
    pub fn new(folder: &Path) -> Sources {
        let (tell, changes) = sync_channel(1);
        let watch = FolderWatch::new(move |_| {
            let _ = tell.try_send(());
        });
        let mut sources = Sources {
            folder: folder.into(),
            known: BTreeMap::new(),
            watch,
            changes,
        };
        sources.known = sources.files();
        sources
            .watch
            .watch(sources.known.keys().map(PathBuf::as_path));
        sources
    }

    /// Waits until a file has changed, and returns the last one that did.
    pub fn wait(&mut self) -> Change {
        loop {
            let _ = self.changes.recv_timeout(LOOK);
            if self.files() == self.known {
                continue;
            }
            // The rest of what is being saved.
            while self.changes.recv_timeout(SETTLE).is_ok() {}
            let files = self.files();
            let differs = |(file, mark): &(&PathBuf, &Mark)| self.known.get(*file) != Some(mark);
            let changed = files.iter().filter(differs).max_by_key(|(_, (at, _))| *at);
            let gone = || self.known.keys().find(|file| !files.contains_key(*file));
            let (file, at) = match changed {
                Some((file, (at, _))) => (file.clone(), *at),
                None => match gone() {
                    Some(file) => (file.clone(), clock::now()),
                    None => continue,
                },
            };
            let relative = file.strip_prefix(&self.folder).unwrap_or(&file);
            let change = Change {
                file: relative.into(),
                at,
            };
            self.known = files;
            self.watch.watch(self.known.keys().map(PathBuf::as_path));
            return change;
        }
    }

    fn files(&self) -> BTreeMap<PathBuf, Mark> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            for entry in entries {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                // Hidden files are of tools: editors' swap files, git, caches. A log may be
                // that of this very command.
                let is_of_tools = name.starts_with('.') || name.ends_with('~');
                if is_of_tools || name.ends_with(".log") || files.len() >= FILES {
                    continue;
                }
                // Not through links: they may lead anywhere.
                match entry.metadata() {
                    Ok(found) if found.is_dir() && !NO_SOURCE.contains(&&*name) => {
                        folders.push(entry.path());
                    }
                    Ok(found) if found.is_file() => {
                        let at = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                        files.insert(entry.path(), (at, found.len()));
                    }
                    _ => {}
                }
            }
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_change_of_a_source_is_seen_and_of_what_tools_write_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("src/lib.rs", "1");
        write("Cargo.toml", "1");
        let mut sources = Sources::new(folder.path());
        for other in [
            "target/x/y",
            "dist/a.wasm",
            ".git/index",
            "src/.lib.rs.swp",
            "src/lib.rs~",
        ] {
            write(other, "x");
        }
        assert_eq!(sources.files(), sources.known);
        write("src/new/deep.rs", "1");
        assert_eq!(sources.wait().file, Path::new("src/new/deep.rs"));
        write("src/lib.rs", "two");
        assert_eq!(sources.wait().file, Path::new("src/lib.rs"));
        fs::remove_file(folder.path().join("src/new/deep.rs")).unwrap();
        assert_eq!(sources.wait().file, Path::new("src/new/deep.rs"));
    }
}
