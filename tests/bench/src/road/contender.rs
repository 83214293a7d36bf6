//! What is compared: a process that brings the topic's records to Redis.

use millstream_tests::{Daemon, Process, counting, versioned};
use std::env;
use std::path::PathBuf;
use std::process::Stdio;

pub enum Contender {
    Loop {
        multi: bool,
    },
    Daemon {
        name: String,
        program: PathBuf,
        transform: Transform,
        pipeline: String,
        /// It reads the records as Avro.
        is_avro: bool,
    },
}

/// A plugin, as the pipeline's table names it.
pub struct Transform {
    value: &'static str,
    /// Its file `p.wasm`; empty for a bundled one.
    file: Vec<u8>,
}

impl Transform {
    pub fn notifications() -> Transform {
        Transform {
            value: r#"{ plugin = "bundled:notifications" }"#,
            file: Vec::new(),
        }
    }

    /// Makes the events of [`Transform::counting`], but for the counts.
    pub fn stateless() -> Transform {
        Transform {
            value: r#"{ plugin = "p.wasm" }"#,
            file: versioned("one"),
        }
    }

    /// Counts the records of each key: it reads and writes a value for each record.
    pub fn counting() -> Transform {
        Transform {
            value: r#"{ plugin = "p.wasm", capabilities = ["keyvalue"] }"#,
            file: counting("one"),
        }
    }
}

/// Where the records are, and where their events go.
pub struct Task<'a> {
    pub kafka: String,
    /// `host:port`
    pub redis: String,
    pub topic: &'a str,
    /// The schema registry, if the records are Avro.
    pub registry: Option<String>,
    pub partitions: usize,
    /// A new one for each run.
    pub prefix: &'a str,
}

/// A contender at work; it ends when this is dropped.
pub enum Running {
    Loop(Process),
    Daemon(Box<Daemon>),
}

impl Contender {
    pub fn name(&self) -> &str {
        match self {
            Contender::Loop { multi: false } => "loop",
            Contender::Loop { multi: true } => "loop + MULTI",
            Contender::Daemon { name, .. } => name,
        }
    }

    /// Whether it reads the records as Avro.
    pub fn is_avro(&self) -> bool {
        matches!(self, Contender::Daemon { is_avro: true, .. })
    }

    pub fn start(&self, task: &Task) -> Running {
        match self {
            Contender::Loop { multi } => Running::Loop(start_loop(task, *multi)),
            Contender::Daemon {
                program,
                transform,
                pipeline,
                ..
            } => {
                let daemon = Daemon::builder(&configuration(task, transform.value, pipeline));
                let daemon = daemon.file("p.wasm", &transform.file);
                Running::Daemon(Box::new(daemon.program(Some(program)).start()))
            }
        }
    }
}

impl Running {
    pub fn pid(&self) -> u32 {
        match self {
            Running::Loop(process) => process.pid(),
            Running::Daemon(daemon) => daemon.pid(),
        }
    }

    pub fn has_ended(&self) -> bool {
        match self {
            Running::Loop(process) => process.exit_status().is_some(),
            Running::Daemon(daemon) => daemon.exit_status().is_some(),
        }
    }
}

fn start_loop(task: &Task, multi: bool) -> Process {
    let program = env::current_exe().expect("the name of this program");
    let mut command = Process::command(&program);
    let partitions = task.partitions.to_string();
    command.args(["yardstick", "--kafka", &task.kafka, "--redis", &task.redis]);
    command.args(["--topic", task.topic, "--partitions", &partitions]);
    command.args(["--prefix", task.prefix]);
    command.args(multi.then_some("--multi"));
    command.stdout(Stdio::null());
    Process::start(command)
}

fn configuration(task: &Task, transform: &str, pipeline: &str) -> String {
    let Task {
        kafka,
        redis,
        topic,
        prefix,
        ..
    } = task;
    let (decode, registry) = match &task.registry {
        Some(url) => (
            "decode = \"registry\"",
            format!("[registry]\nurl = \"{url}\""),
        ),
        None => ("", String::new()),
    };
    format!(
        r#"
[kafka]
bootstrap-servers = "{kafka}"
group-id = "{prefix}"
[store]
url = "redis://{redis}"
key-prefix = "{prefix}"
[http]
listen = "127.0.0.1:0"
[auth]
anonymous = true
[admin]
listen = "127.0.0.1:0"
[[pipeline]]
name = "road"
topics = ["{topic}"]
transform = {transform}
{decode}
{pipeline}
{registry}
"#
    )
}
