//! The Kafka tools: `millstream topic`, `produce`, `consume` and `group`.

mod consume;
mod denied;
mod groups;
mod produce;
mod reach;
mod topics;
mod walk_through;

use millstream_tests::{Daemon, Log, Process, scratch_dir, servers, wait_until};
use rustix::process::Signal;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// A time-out for things that happen eventually, not an expectation of speed.
const LONG: Duration = Duration::from_secs(60);
const USAGE: i32 = 64;

/// A command's output and exit code.
#[derive(Debug)]
pub(crate) struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    /// Its results; panics if it failed.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Its errors; panics unless it failed with this code.
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.err
    }

    /// Its results and its errors; panics unless it ended with this code.
    pub(crate) fn both(self, code: i32) -> (String, String) {
        assert_eq!(self.code, Some(code), "{self:?}");
        (self.out, self.err)
    }

    /// Its results as lines of JSON.
    fn json(self) -> Vec<Value> {
        let lines = self.done();
        let parse = |line| serde_json::from_str(line).expect("a line of JSON");
        lines.lines().map(parse).collect()
    }
}

pub(crate) fn command(servers: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(Daemon::program());
    command.args(arguments).current_dir(scratch_dir("tools"));
    command.env("MILLSTREAM_BOOTSTRAP_SERVERS", servers);
    command
}

/// Runs `millstream <arguments>` against this Kafka, with this input.
fn run_at(servers: &str, arguments: &[&str], input: &[u8]) -> Said {
    said(command(servers, arguments), input)
}

pub(crate) fn said(mut command: Command, input: &[u8]) -> Said {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It may end before it has read all input.
    let writer = std::thread::spawn(move || stdin.write_all(&input).ok());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Like [`run_at`], against the Kafka that all tests share, without input.
fn run(arguments: &[&str]) -> Said {
    run_at(&servers().kafka.bootstrap(), arguments, b"")
}

/// Like [`run`], with a closed standard output.
fn run_unread(arguments: &[&str]) -> Said {
    said_unread(command(&servers().kafka.bootstrap(), arguments))
}

/// A command's standard error when its standard output is closed.
pub(crate) fn said_unread(mut command: Command) -> Said {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code(),
        out: String::new(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Produces lines to a topic of the shared Kafka.
fn produce_lines(topic: &str, lines: &str) {
    let servers = servers().kafka.bootstrap();
    run_at(&servers, &["produce", topic], lines.as_bytes()).done();
}

/// A command that runs during the test.
struct Running {
    process: Process,
    out: Arc<Log>,
    err: Arc<Log>,
}

impl Running {
    fn start_at(servers: &str, arguments: &[&str]) -> Running {
        let mut command = Process::command(&Daemon::program());
        command.args(arguments).current_dir(scratch_dir("tools"));
        command.env("MILLSTREAM_BOOTSTRAP_SERVERS", servers);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let process = Process::start(command);
        Running {
            out: Log::of(process.take_stdout().unwrap()),
            err: Log::of(process.take_stderr().unwrap()),
            process,
        }
    }

    fn start(arguments: &[&str]) -> Running {
        Running::start_at(&servers().kafka.bootstrap(), arguments)
    }

    /// Waits until it has printed this many lines.
    fn wait_lines(&self, count: usize) -> Vec<String> {
        wait_until(&format!("{count} lines"), LONG, || {
            let (lines, said) = (self.out.lines(), self.err.tail(10));
            assert!(
                lines.len() >= count || self.process.exit_status().is_none(),
                "the command ended: {said}"
            );
            Some(lines).filter(|lines| lines.len() >= count)
        })
    }

    /// Its exit code after this signal.
    fn stop(&self, signal: Signal) -> Option<i32> {
        self.process.signal(signal);
        self.process.wait_exit("the command", LONG).code()
    }
}
