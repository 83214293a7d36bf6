//! A real Apache Kafka: combined KRaft nodes from the jars of Maven Central, on loopback.

mod cluster;
mod group;
mod jars;
mod message;
mod produce;
mod raw;
mod read;
mod secured;
mod settings;
mod topics;
mod transactions;

pub use cluster::Cluster;
pub use message::{Consumed, Message};
pub use raw::RawHeaders;
pub use secured::Secured;
pub use topics::unique;
pub use transactions::Transactions;

use crate::janitor::scratch_dir;
use crate::link::Link;
use crate::ports::free_port;
use crate::process::{Process, find_program};
use crate::wait::wait_until;
use rdkafka::ClientConfig;
use rustix::process::Signal;
use settings::Ports;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

/// Kafka takes 3 s to start, but the machine may be compiling or running other tests.
const START: Duration = Duration::from_secs(90);
const STOP: Duration = Duration::from_secs(30);

/// One Kafka node with its own data. A [`Kafka::kill`] keeps its ports and data. Its client methods
/// talk to the whole cluster of the node.
pub struct Kafka {
    dir: PathBuf,
    /// The ports of all nodes of the cluster.
    nodes: Vec<Ports>,
    heap: &'static str,
    process: Mutex<Option<Process>>,
}

impl Kafka {
    /// Starts a new node; `extra` are further lines of its `server.properties`.
    pub fn new(heap: &'static str, extra: &[&str]) -> Self {
        let kafka = Kafka::node(heap, 1, &[Ports::free()], extra);
        kafka.start();
        kafka
    }

    /// Starts a new node with a second listener. Its clients reach the node only through the link,
    /// since Kafka advertises the link's address. [`Kafka::bootstrap`] is the direct address.
    pub fn linked(heap: &'static str, extra: &[&str]) -> (Self, Link) {
        let (port, ports) = (free_port(), Ports::free());
        let link = Link::to(&format!("127.0.0.1:{port}"));
        let lines = ports.and("LINKED", port, &link.addr());
        let extra: Vec<&str> = lines
            .iter()
            .map(String::as_str)
            .chain(extra.iter().copied())
            .collect();
        let kafka = Kafka::node(heap, 1, &[ports], &extra);
        kafka.start();
        (kafka, link)
    }

    /// Node `id` of these, with formatted storage and not started.
    fn node(heap: &'static str, id: usize, nodes: &[Ports], extra: &[&str]) -> Self {
        let dir = scratch_dir("kafka");
        let properties = settings::properties(&dir, id, nodes, extra);
        fs::write(dir.join("server.properties"), properties).unwrap();
        fs::write(dir.join("log4j2.yaml"), settings::LOG4J).unwrap();
        let kafka = Kafka {
            dir,
            nodes: nodes.to_vec(),
            heap,
            process: Mutex::new(None),
        };
        kafka.format();
        kafka
    }

    /// The value of `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        settings::bootstrap(&self.nodes)
    }

    /// Starts it after a kill or stop, and waits until it answers clients.
    pub fn start(&self) {
        let mut process = self.process.lock().unwrap();
        *process = None; // the previous process must be gone before its log is truncated
        let log = File::create(self.dir.join("log")).unwrap();
        let mut command = self.java(&["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]);
        command.arg("kafka.Kafka");
        command.arg(self.dir.join("server.properties"));
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let started = process.insert(Process::start(command));
        wait_until("Kafka has started", START, || self.is_started(started));
    }

    /// Its process id; panics while it is down.
    pub fn pid(&self) -> u32 {
        let process = self.process.lock().unwrap();
        process.as_ref().expect("Kafka is down").pid()
    }

    /// SIGKILL.
    pub fn kill(&self) {
        *self.process.lock().unwrap() = None;
    }

    /// SIGTERM: a controlled shutdown; returns when it has ended.
    pub fn terminate(&self) {
        if let Some(process) = self.process.lock().unwrap().take() {
            process.signal(Signal::TERM);
            process.wait_exit("Kafka", STOP);
        }
    }

    /// SIGSTOP: connections stay open and nothing answers.
    pub fn pause(&self) {
        let process = self.process.lock().unwrap();
        process.as_ref().expect("Kafka is down").freeze();
    }

    /// SIGCONT: ends [`Kafka::pause`].
    pub fn resume(&self) {
        let process = self.process.lock().unwrap();
        process
            .as_ref()
            .expect("Kafka is down")
            .signal(Signal::CONT);
    }

    fn format(&self) {
        let mut command = self.java(&["-XX:TieredStopAtLevel=1"]);
        command.args(["kafka.tools.StorageTool", "format"]);
        command.args(["-t", &settings::cluster_id(&self.nodes), "-c"]);
        command.arg(self.dir.join("server.properties"));
        let log = File::create(self.dir.join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let status = Process::start(command).wait_exit("Kafka's StorageTool", START);
        assert!(status.success(), "format failed: {}", self.log());
    }

    /// Runs Kafka's tool for access control lists with these arguments; the node needs an
    /// authorizer.
    pub fn acl(&self, arguments: &[&str]) {
        self.tool("org.apache.kafka.tools.AclCommand", arguments);
    }

    /// Runs one of Kafka's tools against the node.
    fn tool(&self, class: &str, arguments: &[&str]) {
        let mut command = self.java(&["-XX:TieredStopAtLevel=1"]);
        command.args([class, "--bootstrap-server", &self.bootstrap()]);
        command.args(arguments);
        let path = self.dir.join("tool.log");
        let log = File::create(&path).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let status = Process::start(command).wait_exit(class, START);
        assert!(status.success(), "{}", fs::read_to_string(path).unwrap());
    }

    fn java(&self, flags: &[&str]) -> Command {
        let mut command = Process::command(&find_program("java"));
        command.args([
            &format!("-Xms{0}", self.heap),
            &format!("-Xmx{0}", self.heap),
        ]);
        command.args(flags).arg("-Djava.awt.headless=true");
        let log4j = self.dir.join("log4j2.yaml");
        command.arg(format!("-Dlog4j2.configurationFile={}", log4j.display()));
        command.arg("-cp").arg(jars::find().join("*"));
        command
    }

    fn is_started(&self, process: &Process) -> Option<()> {
        let log = self.log();
        let status = process.exit_status();
        assert!(status.is_none(), "Kafka ended ({status:?}): {log}");
        log.contains("Kafka Server started").then_some(())
    }

    /// Its log since it was last started.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap());
        config
    }
}
