use crate::janitor::scratch_dir;
use std::fs;
use std::path::PathBuf;

/// A wall clock that a test can set, for the programs that are started with its environment.
/// Their monotonic clock goes on, as it does when someone sets a machine's time.
///
/// It is libfaketime's: Debian's package `faketime`.
pub struct Clock {
    file: PathBuf,
}

impl Clock {
    /// A clock that goes right.
    pub fn right() -> Self {
        let file = scratch_dir("clock").join("offset");
        let clock = Clock { file };
        clock.shift(0);
        clock
    }

    /// Sets it so many seconds ahead of the right time; programs know within a second.
    pub fn shift(&self, seconds: i64) {
        let aside = self.file.with_extension("new"); // never read half written
        fs::write(&aside, format!("{seconds:+}\n")).unwrap();
        fs::rename(aside, &self.file).unwrap();
    }

    /// What a program's environment must hold to live by it.
    pub fn env(&self) -> Vec<(String, String)> {
        let file = self.file.display().to_string();
        let settings = [
            ("LD_PRELOAD", library().display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", file),
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        settings
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }
}

/// Debian puts it below `/usr/lib/<architecture>`.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap();
    let library = |folder: fs::DirEntry| folder.path().join("faketime/libfaketimeMT.so.1");
    let mut libraries = folders.map(|folder| library(folder.unwrap()));
    libraries.find(|library| library.is_file()).expect(
        "libfaketime is not in /usr/lib. Run `tests/run --setup` as root: it installs what the tests need",
    )
}
