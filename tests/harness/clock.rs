use crate::janitor::scratch_dir;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A wall clock that a test can set, for the programs that are started with its environment.
/// Their monotonic clock goes on, as it does when someone sets a machine's time.
pub struct Clock {
    /// How many seconds it is ahead; programs have it mapped.
    file: PathBuf,
}

impl Clock {
    /// A clock that goes right.
    pub fn right() -> Self {
        let file = scratch_dir("clock").join("shift");
        let clock = Clock { file };
        clock.write(&[0; 24], 0);
        clock
    }

    /// Sets it so many seconds ahead of the right time, for all who live by it, at once.
    pub fn shift(&self, seconds: i64) {
        self.write(&seconds.to_ne_bytes(), 0);
    }

    /// Has it fail from now on for the threads of this name (as the kernel cuts it, to 15 bytes):
    /// a thread of a Rust program that then asks what time it is panics.
    pub fn fail_for(&self, thread: &str) {
        self.write(thread.as_bytes(), 8);
    }

    fn write(&self, bytes: &[u8], at: u64) {
        // In place: who has mapped the file must never find it shorter.
        let mut file = OpenOptions::new();
        let file = file.write(true).create(true).truncate(false);
        let file = file.open(&self.file).unwrap();
        file.write_all_at(bytes, at).unwrap();
    }

    /// What a program's environment must hold to live by it.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let path = |path: &Path| path.display().to_string();
        vec![
            ("LD_PRELOAD".to_owned(), path(library())),
            ("TEST_CLOCK".to_owned(), path(&self.file)),
        ]
    }
}

/// `clock.c`, compiled when it is first wanted.
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
