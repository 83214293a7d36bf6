//! A gateway with separate topics and key prefix, and a worker's reports.

use super::SOON;
use millstream_tests::{
    Consumed, Daemon, DaemonBuilder, Kafka, Message, Redis, Response, Sse, produce, request,
    servers, unique, wait_until,
};
use serde_json::{Value, json};

pub struct Gateway {
    pub daemon: Daemon,
    /// The daemon's original configuration.
    pub config: String,
    pub prefix: String,
    /// The topic that workers read.
    pub requests: String,
    /// The topic that they write.
    pub results: String,
}

/// A configuration with the gateway: `tasks` are more lines of `[tasks]`,
/// `rest` more tables.
pub fn config(kafka: &str, redis: &str, of: [&str; 3], tasks: &str, rest: &str) -> String {
    let [prefix, requests, results] = of;
    let rest = format!(
        r#"name = "results"
transform = {{ plugin = "bundled:task-results" }}
[tasks]
request-topic = "{requests}"
{tasks}
{rest}"#
    );
    millstream_tests::config(kafka, redis, results, prefix, &rest)
}

impl Gateway {
    pub fn start() -> Self {
        Gateway::with("", "")
    }

    pub fn with(tasks: &str, rest: &str) -> Self {
        Gateway::made(tasks, rest, |config| Daemon::builder(&config))
    }

    pub fn made(tasks: &str, rest: &str, builder: impl FnOnce(String) -> DaemonBuilder) -> Self {
        let (kafka, redis) = (&servers().kafka, &servers().redis);
        Gateway::on(kafka, redis, tasks, rest, builder)
    }

    pub fn on(
        kafka: &Kafka,
        redis: &Redis,
        tasks: &str,
        rest: &str,
        builder: impl FnOnce(String) -> DaemonBuilder,
    ) -> Self {
        let requests = kafka.create_topic("requests", 2);
        let results = kafka.create_topic("results", 2);
        let prefix = unique("tasks");
        let of = [&*prefix, &requests, &results];
        let config = config(&kafka.bootstrap(), &redis.url(), of, tasks, rest);
        let daemon = builder(config.clone()).start();
        daemon.wait_ready(SOON);
        Gateway {
            daemon,
            config,
            prefix,
            requests,
            results,
        }
    }

    /// Any request to the gateway.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        request(method, &self.daemon.sse(), path, headers, body).unwrap()
    }

    /// Requests a task.
    pub fn post(&self, client: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = [&[("content-type", "application/json")], headers].concat();
        let path = format!("/v1/tasks?client={client}");
        self.ask("POST", &path, &headers, body.as_bytes())
    }

    /// Requests a task that must be accepted: its id.
    #[track_caller]
    pub fn task(&self, client: &str, body: &str) -> String {
        let answer = self.post(client, &[], body);
        assert_eq!(answer.status, 202, "{}", answer.text());
        id_of(&answer)
    }

    /// A task's state, as this client sees it.
    pub fn get(&self, client: &str, id: &str) -> Response {
        self.ask("GET", &format!("/v1/tasks/{id}?client={client}"), &[], b"")
    }

    /// Its status.
    pub fn status(&self, client: &str, id: &str) -> String {
        let answer = self.get(client, id);
        assert_eq!(answer.status, 200, "{}", answer.text());
        json_of(&answer)["status"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn wait_status(&self, client: &str, id: &str, status: &str) {
        let what = format!("{id} is {status}");
        wait_until(&what, SOON, || {
            (self.status(client, id) == status).then_some(())
        });
    }

    /// A client's stream, from now on or from its start.
    pub fn stream(&self, client: &str, from: &str) -> Sse {
        let path = format!("/v1/events?client={client}&from={from}");
        let mut sse = Sse::open(&self.daemon.sse(), &path, &[]);
        assert_eq!(sse.status, 200);
        sse.next(SOON).expect("an opening frame");
        sse
    }

    /// A worker reports this about tasks.
    pub fn say(&self, of: &[Value]) {
        let message = |said: &Value| {
            Message::new(said.to_string()).key(said["taskId"].as_str().unwrap_or_default())
        };
        produce(&self.results, of.iter().map(message));
    }

    /// The tasks that workers got.
    pub fn requests(&self) -> Vec<Consumed> {
        servers().kafka.read_all(&self.requests)
    }

    /// Its keys in Redis that contain this.
    pub fn keys(&self, what: &str) -> Vec<String> {
        let pattern = format!("{}:{{0}}:{what}*", self.prefix);
        let mut redis = servers().redis.connect();
        redis::cmd("KEYS").arg(pattern).query(&mut redis).unwrap()
    }
}

pub fn json_of(answer: &Response) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.text()))
}

pub fn id_of(answer: &Response) -> String {
    json_of(answer)["taskId"].as_str().unwrap().to_owned()
}

/// A worker's report.
pub fn said(id: &str, status: &str) -> Value {
    json!({ "taskId": id, "status": status })
}

/// The next events of the type `task`.
#[track_caller]
pub fn told(sse: &mut Sse, count: usize) -> Vec<Value> {
    let events = sse.events(count, SOON);
    let data = events.into_iter().map(|frame| {
        assert_eq!(frame.event.as_deref(), Some("task"), "{frame:?}");
        serde_json::from_str(frame.data.as_deref().unwrap()).unwrap()
    });
    data.collect()
}
