//! Work on untrusted input in a child process, which can be limited and stopped.
//!
//! The child is this program with a hidden command: input on standard input, result on standard
//! output, and the reason for a refusal on standard error.

use super::exit_on_panic;
use anyhow::Context;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::Builder;
use std::time::Duration;
use thiserror::Error;

/// What a child does, and its limits.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// The name of the child in messages, such as `the compiler`.
    pub who: &'static str,
    /// The name of the work in messages, such as `compiling`.
    pub what: &'static str,
    /// The hidden command.
    pub command: &'static str,
    /// Its wall time.
    pub patience: Duration,
    /// Its CPU time in seconds.
    pub cpu_seconds: u64,
    /// Its address space in bytes.
    pub memory: u64,
    /// The most bytes of its result.
    pub output: u64,
}

/// An error of [`Work::run`].
#[derive(Debug, Error)]
pub enum ChildError {
    /// The machine is the cause: a retry may succeed.
    #[error("{0}")]
    Machine(String),
    /// The input is the cause.
    #[error("{0}")]
    Refused(String),
}

impl Work {
    /// The child's side: limits itself.
    ///
    /// # Errors
    /// When a limit can't be set.
    pub fn limit_this_process(&self) -> anyhow::Result<()> {
        // Libraries may panic on invalid input.
        exit_on_panic();
        let who = self.who;
        let failed = |what: &str| format!("can't limit {who}'s {what}");
        limit(Resource::As, self.memory, self.memory).with_context(|| failed("memory"))?;
        // The soft limit sends SIGXCPU before SIGKILL, which others may send as well.
        limit(Resource::Cpu, self.cpu_seconds, self.cpu_seconds + 5)
            .with_context(|| failed("CPU time"))?;
        limit(Resource::Core, 0, 0).with_context(|| failed("core dumps"))?;
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // A failed nice does not matter.
        let _ = rustix::process::nice(10);
        Ok(())
    }

    /// Has a child of `program`, which is this program, do it.
    ///
    /// # Errors
    /// When the child refuses the input, or the machine fails.
    pub fn run(
        &self,
        program: &Path,
        arguments: &[&str],
        input: Vec<u8>,
    ) -> Result<Vec<u8>, ChildError> {
        let who = self.who;
        let machine = |what: &str| ChildError::Machine(what.replace("WHO", who));
        let mut child = Command::new(program)
            .arg(self.command)
            .args(arguments)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|_| machine("can't start WHO's process"))?;
        let Ok((words, result)) = self.attend(&mut child, input) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(machine("can't start a thread for WHO"));
        };
        let result = result.recv_timeout(self.patience);
        if result.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(|_| machine("can't wait for WHO"))?;
        let Ok(result) = result else {
            // The wall clock ended it; the CPU limit would have done so earlier.
            let (what, seconds) = (self.what, self.patience.as_secs());
            let message = format!("{what} was stopped after {seconds} s");
            return Err(ChildError::Machine(message));
        };
        if status.signal() == Some(Signal::KILL.as_raw()) {
            return Err(machine("WHO was killed: the machine may be out of memory"));
        }
        match status.success() {
            true => Ok(result),
            false => Err(ChildError::Refused(self.refusal(status, &words))),
        }
    }

    /// Feeds the child, and reads what it says and what it makes.
    fn attend(&self, child: &mut Child, input: Vec<u8>) -> io::Result<(Pipe, Pipe)> {
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        // A child that ends early breaks the pipe; its error output says why.
        Builder::new().spawn(move || drop(stdin.write_all(&input)))?;
        let words = read_aside(stderr, 64 << 10)?;
        Ok((words, read_aside(stdout, self.output)?))
    }

    fn refusal(&self, status: ExitStatus, words: &Pipe) -> String {
        let who = self.who;
        let words = words.recv_timeout(Duration::from_secs(1));
        let words = words.unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        // One line for the log, also for a panic; without Rust's notes.
        let advice = |line: &&str| line.starts_with("note: ");
        let words = words.lines().map(str::trim).filter(|line| !advice(line));
        let words: Vec<&str> = words.collect();
        match words.join(" ").trim() {
            "" => format!("{who} was stopped ({status}): it used too much memory or CPU time"),
            words if status.code().is_none() => format!("{who} was stopped ({status}): {words}"),
            words => words.trim_start_matches("millstream: ").into(),
        }
    }
}

/// All bytes of a pipe, once they are read.
type Pipe = mpsc::Receiver<Vec<u8>>;

/// Limits this process; keeps a lower limit that is set already.
fn limit(resource: Resource, soft: u64, hard: u64) -> rustix::io::Result<()> {
    let now = getrlimit(resource).maximum;
    let least = |most: u64| Some(now.map_or(most, |now| now.min(most)));
    let (current, maximum) = (least(soft), least(hard));
    setrlimit(resource, Rlimit { current, maximum })
}

/// Reads a pipe on its own thread, at most `limit` bytes.
fn read_aside(pipe: impl Read + Send + 'static, limit: u64) -> io::Result<Pipe> {
    let (done, read) = mpsc::sync_channel(1);
    Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        // After an error, the bytes read so far are used.
        let _ = pipe.take(limit).read_to_end(&mut bytes);
        let _ = done.send(bytes);
    })?;
    Ok(read)
}
