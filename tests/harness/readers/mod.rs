//! Programs that read a stream and do not know Millstream; see `tests/clients`.

mod curl;
mod installed;

pub use curl::Curl;
pub use installed::typescript;

use crate::process::{Process, find_program};
use crate::wait::wait_until;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// An event as a library dispatches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The last event id at that time.
    pub id: String,
    /// `message` if the stream has no type.
    pub kind: String,
    pub data: String,
}

/// Everything that a reader has reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub events: Vec<Event>,
    /// How many times it connected.
    pub opened: usize,
    /// The server's answer made it give up.
    pub refused: bool,
}

/// A program that reads a stream and reconnects when the connection is cut.
pub trait Reader {
    /// Everything that it has reported.
    fn told(&self) -> Told;

    /// Waits until the reports are enough, and returns all of them.
    fn wait(&self, what: &str, timeout: Duration, enough: &dyn Fn(&Told) -> bool) -> Told {
        wait_until(what, timeout, || Some(self.told()).filter(enough))
    }
}

/// A running program of `tests/clients`.
pub struct Client {
    told: Arc<Mutex<Told>>,
    _process: Process,
}

impl Client {
    /// Python with httpx-sse.
    pub fn python(url: &str, headers: &[&str]) -> Self {
        let mut command = script("python3", "python/read.py");
        command.env("PYTHONPATH", installed::find().join("python"));
        command.env("PYTHONDONTWRITEBYTECODE", "1"); // several may run at once
        command.arg(url).args(headers);
        Client::start(command)
    }

    /// Node with eventsource, which needs to know the types to report.
    pub fn node(url: &str, types: &[&str]) -> Self {
        let mut command = script("node", "node/read.mjs");
        command.arg(url).args(types);
        Client::start(command)
    }

    fn start(mut command: Command) -> Self {
        let process = Process::start({
            command.stdout(Stdio::piped());
            command
        });
        let told = Arc::default();
        follow(process.take_stdout().unwrap(), &told);
        Client {
            told,
            _process: process,
        }
    }
}

/// A command that runs this Python program in place, with the packages that `tests/clients` and the
/// examples need.
pub fn python(program: &Path) -> Command {
    let mut command = Process::command(&find_program("python3"));
    command.env("PYTHONPATH", python_packages());
    command.env("PYTHONDONTWRITEBYTECODE", "1"); // several may run at once
    command.env("PYTHONUNBUFFERED", "1");
    command.arg(program);
    command
}

/// The folder with those packages, for `PYTHONPATH`.
pub fn python_packages() -> PathBuf {
    installed::find().join("python")
}

impl Reader for Client {
    fn told(&self) -> Told {
        self.told.lock().unwrap().clone()
    }
}

/// A command that runs a copy of this file of `tests/clients` beside the libraries: Node looks for
/// them beside the script.
fn script(program: &str, file: &str) -> Command {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("clients")
        .join(file);
    let mut command = Process::command(&find_program(program));
    command.arg(installed::beside(&source));
    command
}

fn follow(output: impl Read + Send + 'static, told: &Arc<Mutex<Told>>) {
    let told = Arc::clone(told);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let said: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
            let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
            let mut told = told.lock().unwrap();
            match said {
                _ if said["open"] == true => told.opened += 1,
                _ if said.get("data").is_some() => told.events.push(Event {
                    id: text("id"),
                    kind: text("type"),
                    data: text("data"),
                }),
                _ => told.refused = true,
            }
        }
    });
}
