//! The example's daemon, with its gateway and its own topics.

use super::SOON;
use super::worker::Topics;
use crate::examples::example;
use millstream_tests::{
    Daemon, Entry, Process, Sse, free_port, get, python, request, servers, streams, unique,
    wait_until,
};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Stdio;

pub struct Rig {
    pub topics: Topics<'static>,
    pub daemon: Daemon,
    pub page_port: u16,
    prefix: String,
}

impl Rig {
    pub fn start(partitions: i32) -> Self {
        Rig::with_rate(partitions, "{ per-second = 10, burst = 50 }")
    }

    /// A rig with this rate limit for each client.
    pub fn with_rate(partitions: i32, rate: &str) -> Self {
        let (topics, prefix) = (Topics::create(partitions), unique("tasks-example"));
        let page_port = free_port();
        let text = fs::read_to_string(example("tasks").join("millstream.toml")).unwrap();
        let text = text
            .replace("{ per-second = 10, burst = 50 }", rate)
            .replace("tasks-example", &prefix)
            .replace(r#""task-requests""#, &format!("{:?}", topics.requests))
            .replace(r#"["task-results"]"#, &format!("[{:?}]", topics.results));
        let mut daemon = Daemon::builder(&text);
        for (name, value) in [
            ("KAFKA", servers().kafka.bootstrap()),
            ("REDIS", servers().redis.url()),
            ("PORT", "0".to_owned()),
            ("ADMIN_PORT", "0".to_owned()),
            ("PAGE_PORT", page_port.to_string()),
        ] {
            daemon = daemon.env(name, &value);
        }
        let daemon = daemon.start();
        daemon.wait_ready(SOON);
        Rig {
            topics,
            daemon,
            page_port,
            prefix,
        }
    }

    /// Submits a task and returns its id.
    pub fn submit(&self, client: &str, payload: &Value) -> String {
        let path = format!("/v1/tasks?client={client}");
        let headers = [("content-type", "application/json")];
        let body = payload.to_string();
        let answer = request("POST", &self.daemon.sse(), &path, &headers, body.as_bytes());
        let answer = answer.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text());
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        said["taskId"].as_str().unwrap().to_owned()
    }

    /// The status of a task, as its owner gets it.
    pub fn status(&self, client: &str, id: &str) -> Value {
        let path = format!("/v1/tasks/{id}?client={client}");
        serde_json::from_slice(&get(&self.daemon.sse(), &path).body).unwrap()
    }

    /// A client's stream, from now on.
    pub fn listen(&self, client: &str) -> Sse {
        let path = format!("/v1/events?client={client}");
        let mut sse = Sse::open(&self.daemon.sse(), &path, &[]);
        assert_eq!(sse.status, 200);
        sse.next(SOON).expect("an opening frame");
        sse
    }

    /// The entries in a client's stream.
    pub fn stored(&self, client: &str) -> Vec<Entry> {
        streams(&self.prefix).remove(client).unwrap_or_default()
    }

    /// Serves the page, as `run` does; returns the server and the page's URL.
    pub fn serve_page(&self) -> (Process, String) {
        let mut command = python(Path::new("-m"));
        let port = self.page_port.to_string();
        command.args(["http.server", &port, "--bind", "127.0.0.1", "--directory"]);
        command.arg(example("tasks").join("page"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::start(command);
        let origin = format!("127.0.0.1:{port}");
        wait_until("the page is served", SOON, || {
            request("GET", &origin, "/", &[], b"").ok()
        });
        let server = self.daemon.sse();
        (process, format!("http://{origin}/?server=http://{server}"))
    }
}
