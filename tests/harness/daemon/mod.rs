//! The daemon under test.

mod ready;
mod resources;
mod start;

pub use resources::Memory;
pub use start::DaemonBuilder;

use crate::log::Log;
use crate::process::Process;
use crate::wait::wait_until;
use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest time that a daemon may take to log its addresses, and to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest time to read its last log lines after its end.
const LAST_LINES: Duration = Duration::from_secs(5);

/// A running `millstream run`. Dropping it kills it, and prints its log if the test is failing.
pub struct Daemon {
    program: PathBuf,
    arguments: Vec<String>,
    dir: PathBuf,
    env: Vec<(String, String)>,
    process: Process,
    /// One log for each run; the last one is the current run's.
    logs: Vec<Arc<Log>>,
}

impl Daemon {
    /// The folder of its configuration, to which relative paths refer.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes another `millstream.toml`, for [`Daemon::hup`] or [`Daemon::restart`].
    pub fn set_config(&self, config: &str) {
        fs::write(self.dir.join("millstream.toml"), config).unwrap();
    }

    /// Runs `millstream <arguments> -c <its configuration>` beside it.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(Daemon::program());
        command.args(arguments);
        command.arg("-c").arg(self.dir.join("millstream.toml"));
        command.output().unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The address (`127.0.0.1:port`) that serves events; waits until the log has it.
    pub fn sse(&self) -> String {
        self.address("sse listening on http")
    }

    /// The address (`127.0.0.1:port`) of metrics, health and the admin calls.
    pub fn admin(&self) -> String {
        self.address("admin listening on http")
    }

    /// Whether the current run has logged a line with this text.
    pub fn log_contains(&self, text: &str) -> bool {
        self.log().find(text).is_some()
    }

    /// Waits for a line with this text in the current run's log, and returns it.
    pub fn wait_log(&self, text: &str, timeout: Duration) -> String {
        wait_until(&format!("the daemon logs {text:?}"), timeout, || {
            let ended = self.log().has_ended(); // checked first, or a last line could be missed
            let found = self.log().find(text);
            assert!(
                found.is_some() || !ended,
                "the daemon ended without logging {text:?}"
            );
            found
        })
    }

    /// The current run's log.
    pub fn log(&self) -> &Log {
        self.logs.last().unwrap()
    }

    /// The logs of all runs, the current run's last.
    pub fn logs(&self) -> &[Arc<Log>] {
        &self.logs
    }

    /// The exit status, if it has ended.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.process.exit_status()
    }

    /// Sends SIGTERM; returns the exit code (`None`: a signal ended it). Panics if it does not end.
    pub fn terminate(&self) -> Option<i32> {
        self.terminate_within(PATIENCE)
    }

    /// Like [`Daemon::terminate`], with another deadline.
    pub fn terminate_within(&self, patience: Duration) -> Option<i32> {
        self.signal(Signal::TERM);
        self.wait_exit(patience)
    }

    /// Waits until it has ended and its log is read; returns the exit code (`None`: a signal ended
    /// it).
    pub fn wait_exit(&self, timeout: Duration) -> Option<i32> {
        let code = self.process.wait_exit("the daemon", timeout).code();
        // One of its child processes may keep standard error open a little longer.
        let deadline = Instant::now() + LAST_LINES;
        while !self.log().has_ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        code
    }

    /// SIGKILL; returns when it is gone.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// SIGHUP: reloads the configuration.
    pub fn hup(&self) {
        self.signal(Signal::HUP);
    }

    /// SIGSTOP: freezes it.
    pub fn pause(&self) {
        self.process.freeze();
    }

    /// SIGCONT: ends [`Daemon::pause`].
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Starts it again with the same folder and environment; kills it first if it still runs.
    pub fn restart(&mut self) {
        self.process.kill();
        let (process, log) = start::run(&self.program, &self.arguments, &self.dir, &self.env, None);
        self.process = process;
        self.logs.push(log);
    }

    fn address(&self, text: &str) -> String {
        let line = self.wait_log(text, PATIENCE);
        let (_, rest) = line.split_once(text).unwrap();
        let rest = rest.trim_start_matches('s').trim_start_matches("://");
        let end = rest.find(|c: char| !c.is_ascii_digit() && !".:[]abcdef".contains(c));
        rest[..end.unwrap_or(rest.len())].to_owned()
    }

    fn assert_running(&self, last: &str) {
        let status = self.process.exit_status();
        assert!(status.is_none(), "the daemon ended ({status:?}); {last}");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for (run, log) in self.logs.iter().enumerate() {
                eprintln!("--- log of the daemon, run {run}:\n{}", log.tail(400));
            }
        }
    }
}
