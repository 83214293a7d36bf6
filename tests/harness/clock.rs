use crate::janitor::scratch_dir;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A wall clock that a test can set, for programs that are started with its environment. Their
/// monotonic clock does not change, as when someone sets a machine's time.
pub struct Clock {
    /// The shift in seconds; programs map this file.
    file: PathBuf,
}

impl Clock {
    /// A clock with the right time.
    pub fn right() -> Self {
        let file = scratch_dir("clock").join("shift");
        let clock = Clock { file };
        clock.write(&[0; 24], 0);
        clock
    }

    /// Sets the clock this many seconds ahead of the right time, at once for all its programs.
    pub fn shift(&self, seconds: i64) {
        self.write(&seconds.to_ne_bytes(), 0);
    }

    /// Makes the clock fail from now on in threads of this name (which the kernel cuts to 15
    /// bytes). A thread of a Rust program that then reads the time panics.
    pub fn fail_for(&self, thread: &str) {
        self.write(thread.as_bytes(), 8);
    }

    fn write(&self, bytes: &[u8], at: u64) {
        // In place: programs have mapped the file, so it must never get shorter.
        let mut file = OpenOptions::new();
        let file = file.write(true).create(true).truncate(false);
        let file = file.open(&self.file).unwrap();
        file.write_all_at(bytes, at).unwrap();
    }

    /// The environment of a program that uses this clock.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let path = |path: &Path| path.display().to_string();
        vec![
            ("LD_PRELOAD".to_owned(), path(library())),
            ("TEST_CLOCK".to_owned(), path(&self.file)),
        ]
    }
}

/// `clock.c`, compiled when first needed.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let library = scratch_dir("clock").join("clock.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/harness/clock.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-Wall", "-shared", "-fPIC", source, "-o"]);
        let status = compiler.arg(&library).status();
        let status = status.expect("no `cc`: `tests/run --setup` as root installs it");
        assert!(status.success(), "{source} can't be compiled");
        library
    })
}
