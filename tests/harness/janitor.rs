//! Cleans up after the test process, however it ends.
//!
//! A `Drop` can clean up after a panic, but a SIGKILL, an abort or Ctrl-C leave no time, and
//! statics are never dropped. So a small `sh` outlives this process. It reads from a pipe that only
//! this process holds open; when the pipe ends, it kills the processes and removes the files of the
//! tests.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

/// `$1` is the folder to remove. It retries for a while: a killed server may still be writing.
const SCRIPT: &str = r#"
pids=' '
while read -r word pid; do
  case $word in
    guard) pids="$pids$pid " ;;
    forget) pids="${pids%% $pid *} ${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -s KILL -- "-$pid"; done
for attempt in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" && exit; sleep 0.1; done
"#;

struct Janitor {
    root: PathBuf,
    /// Reads commands from its input, which ends with this process.
    shell: Mutex<Child>,
}

/// A new folder of this name, removed when the test process ends.
pub fn scratch_dir(name: &str) -> PathBuf {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let dir = janitor().root.join(format!("{number}-{name}"));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// Kills this process group when the test process ends.
pub(crate) fn guard(group: u32) {
    order("guard", group);
}

/// Forgets a group that has ended: its number may soon be reused.
pub(crate) fn forget(group: u32) {
    order("forget", group);
}

/// Cargo's target folder.
pub(crate) fn target_dir() -> PathBuf {
    let target = profile_dir();
    let target = target.parent().expect("this program is outside target/");
    target.to_path_buf()
}

/// The folder of this name that `tests/run --setup` fetches; panics with that command if it is
/// missing.
pub(crate) fn fetched(name: &str, what: &str) -> PathBuf {
    let dir = target_dir().join(name);
    let complete = dir.join(".complete").exists();
    assert!(
        complete,
        "no {what} in {}. Run `tests/run --setup`, which fetches it",
        dir.display()
    );
    dir
}

/// `target/<profile>`, where this program is, or its folder `deps`.
pub(crate) fn profile_dir() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let mut folders = exe.ancestors().skip(1);
    let folder = folders.find(|folder| !folder.ends_with("deps"));
    folder
        .expect("this program is outside target/")
        .to_path_buf()
}

fn order(word: &str, group: u32) {
    let mut shell = janitor().shell.lock().unwrap();
    let orders = shell.stdin.as_mut().unwrap();
    writeln!(orders, "{word} {group}").expect("the janitor is gone");
}

fn janitor() -> &'static Janitor {
    static JANITOR: OnceLock<Janitor> = OnceLock::new();
    JANITOR.get_or_init(|| {
        let root = new_root(&target_dir().join("tmp"));
        let shell = Mutex::new(start(&root));
        Janitor { root, shell }
    })
}

fn new_root(parent: &Path) -> PathBuf {
    std::fs::create_dir_all(parent).unwrap();
    let root = tempfile::Builder::new()
        .prefix("millstream-")
        .tempdir_in(parent);
    root.unwrap().keep()
}

fn start(root: &Path) -> Child {
    Command::new("sh")
        .args(["-c", SCRIPT, "millstream-janitor"])
        .arg(root)
        .process_group(0) // Ctrl-C must not end the janitor
        .stdin(Stdio::piped())
        .stdout(Stdio::null()) // an inherited stdout would keep `cargo test | less` waiting
        .stderr(Stdio::null())
        .spawn()
        .expect("no sh")
}
