use crate::janitor;
use crate::wait::wait_until;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

/// Waits for a line on its input, then becomes the program. The program must not run before the
/// janitor knows its process id. If the test process dies in between, the pipe ends and so does
/// this.
const GATE: &str = r#"read -r go && exec "$0" "$@" </dev/null"#;

/// The state folder of programs that are given no other.
static STATE: LazyLock<PathBuf> = LazyLock::new(|| janitor::scratch_dir("state"));

/// A program that runs beside the tests in its own process group. It is killed with all its
/// children when this is dropped or when the test process ends in any way, including SIGKILL.
pub struct Process {
    child: Mutex<Child>,
    pid: Pid,
}

impl Process {
    /// A command for [`Process::start`]; add arguments first.
    pub fn command(program: &Path) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", GATE]).arg(program);
        // Not the state folder of the person who runs the tests.
        command.env_remove("STATE_DIRECTORY");
        command.env("XDG_STATE_HOME", &*STATE);
        command
    }

    /// Starts the command that [`Process::command`] made.
    pub fn start(mut command: Command) -> Self {
        command.process_group(0).stdin(Stdio::piped());
        let mut child = command.spawn().expect("can't start sh");
        janitor::guard(child.id());
        let gate = child.stdin.take().unwrap().write_all(b"go\n");
        gate.expect("the process died before it started the program");
        let pid = Pid::from_child(&child);
        let child = Mutex::new(child);
        Process { child, pid }
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// Its standard error, if the command piped it; only once.
    pub fn take_stderr(&self) -> Option<ChildStderr> {
        self.child.lock().unwrap().stderr.take()
    }

    /// Its standard output, if the command piped it; only once.
    pub fn take_stdout(&self) -> Option<ChildStdout> {
        self.child.lock().unwrap().stdout.take()
    }

    /// Its exit status, if it has ended.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap();
        child.try_wait().expect("can't wait for a child")
    }

    /// Waits until it ends; panics if it still runs after `timeout`.
    pub fn wait_exit(&self, what: &str, timeout: Duration) -> ExitStatus {
        wait_until(&format!("{what} exits"), timeout, || self.exit_status())
    }

    /// Sends a signal to the program alone; does nothing if it has ended.
    pub fn signal(&self, signal: Signal) {
        if self.exit_status().is_none() {
            kill_process(self.pid, signal).ok(); // it may be ending right now
        }
    }

    /// SIGSTOP; returns when all threads of the program are stopped, none within a write to a
    /// file. On a busy machine that takes a while, in which the others go on working.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        let threads = format!("/proc/{}/task", self.pid());
        let is_stopped = |thread: fs::DirEntry| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            let state = stat.rsplit(')').next().unwrap_or_default();
            matches!(
                state.trim_start().chars().next(),
                Some('T' | 'Z' | 'X') | None
            )
        };
        wait_until("a process is stopped", Duration::from_secs(30), || {
            let mut threads = fs::read_dir(&threads).into_iter().flatten().flatten();
            threads.all(is_stopped).then_some(())
        });
    }

    /// SIGKILL for the program and its children; returns when it is gone.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        // After a wait for the child its number may belong to another process.
        if child.try_wait().expect("can't wait for a child").is_none() {
            kill_process_group(self.pid, Signal::KILL).ok();
            child.wait().expect("can't wait for a child");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        janitor::forget(self.pid.as_raw_pid().unsigned_abs());
    }
}

/// The path of this program in `PATH`; panics with the command that installs it.
pub fn find_program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name));
    found.into_iter().find(|file| file.is_file()).unwrap_or_else(|| {
        panic!("`{name}` is not in PATH. Run `tests/run --setup` as root: it installs what the tests need")
    })
}
