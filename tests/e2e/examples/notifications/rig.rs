//! The app and the daemon, with their own topic.

use super::SOON;
use crate::examples::example;
use millstream_tests::{
    Daemon, Entry, Kafka, Log, Process, Redis, Response, Sse, create_topic, free_port, python,
    request, servers, unique, wait_until,
};
use serde_json::{Value, json};
use std::fs;
use std::process::Stdio;

pub struct Rig<'a> {
    pub app: App,
    pub daemon: Daemon,
    pub topic: String,
    prefix: String,
    redis: &'a Redis,
}

/// A running `app.py`. Dropping it kills it.
pub struct App {
    pub process: Process,
    /// `127.0.0.1:port`.
    pub address: String,
}

impl Rig<'static> {
    pub fn start() -> Self {
        Self::on(&servers().redis)
    }
}

impl<'a> Rig<'a> {
    pub fn on(redis: &'a Redis) -> Self {
        let (topic, prefix, port) = (create_topic("notify", 3), unique("notify"), free_port());
        let text = fs::read_to_string(example("notifications").join("millstream.toml")).unwrap();
        let text = text
            .replace("notifications-example", &prefix)
            .replace(r#"["notifications"]"#, &format!("[\"{topic}\"]"));
        let mut daemon = Daemon::builder(&text);
        for (name, value) in [
            ("KAFKA", servers().kafka.bootstrap()),
            ("REDIS", redis.url()),
            ("PORT", "0".to_owned()),
            ("ADMIN_PORT", "0".to_owned()),
            ("APP_PORT", port.to_string()),
        ] {
            daemon = daemon.env(name, &value);
        }
        let daemon = daemon.start();
        daemon.wait_ready(SOON);
        let app = App::start(&servers().kafka, &topic, port, Some(&daemon));
        Rig {
            app,
            daemon,
            topic,
            prefix,
            redis,
        }
    }

    /// Opens the event stream of a client.
    pub fn connect(&self, client: &str) -> Sse {
        let path = format!("/v1/events?client={client}");
        let sse = Sse::open(&self.daemon.sse(), &path, &[]);
        assert_eq!(sse.status, 200);
        sse
    }

    /// The entries stored for a client; empty if there is no stream.
    pub fn stored(&self, client: &str) -> Vec<Entry> {
        let mut streams = self.redis.streams(&self.prefix);
        streams.remove(client).unwrap_or_default()
    }
}

impl App {
    pub fn start(kafka: &Kafka, topic: &str, port: u16, daemon: Option<&Daemon>) -> Self {
        let mut command = python(&example("notifications").join("app.py"));
        command.args(["--port", &port.to_string(), "--topic", topic]);
        command.args(["--kafka", &kafka.bootstrap()]);
        if let Some(daemon) = daemon {
            command.args(["--events", &format!("http://{}", daemon.sse())]);
            command.args(["--admin", &format!("http://{}", daemon.admin())]);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let process = Process::start(command);
        let log = Log::of(process.take_stdout().unwrap());
        wait_until("the app listens", SOON, || log.find("listening on"));
        let address = format!("127.0.0.1:{port}");
        App { process, address }
    }

    pub fn post(&self, body: &str) -> Response {
        let headers = [("content-type", "application/json")];
        let path = "/notifications";
        request("POST", &self.address, path, &headers, body.as_bytes()).unwrap()
    }

    /// Sends this many notifications to each of these clients; Kafka acknowledges all of them.
    pub fn notify(&self, clients: &[&str], count: usize, message: &str) {
        let order = json!({ "clients": clients, "count": count, "message": message });
        let answer = self.post(&order.to_string());
        assert_eq!(answer.status, 202, "{}", answer.text());
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let acknowledged = body["acknowledged"].as_object().unwrap();
        assert_eq!(acknowledged.len(), clients.len());
        assert!(acknowledged.values().all(|number| *number == count));
    }
}

/// The `message` in the data of a frame or an entry.
pub fn message(data: &str) -> String {
    let value: Value = serde_json::from_str(data).unwrap();
    value["message"].as_str().unwrap().to_owned()
}
