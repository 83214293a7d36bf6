//! A worker process with its own topics.

use super::SOON;
use crate::examples::example;
use millstream_tests::{
    Consumed, Kafka, Log, Message, Process, python, servers, unique, wait_until,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::process::Stdio;
use std::sync::Arc;

/// The topics that workers share, and their group.
pub struct Topics<'a> {
    kafka: &'a Kafka,
    pub requests: String,
    pub results: String,
    pub letters: String,
    pub group: String,
}

/// A running `worker.py`. Dropping it kills it.
pub struct Worker {
    pub process: Process,
    pub log: Arc<Log>,
}

impl Topics<'static> {
    pub fn create(partitions: i32) -> Self {
        Topics::on(&servers().kafka, partitions)
    }
}

impl<'a> Topics<'a> {
    pub fn on(kafka: &'a Kafka, partitions: i32) -> Self {
        Topics {
            kafka,
            requests: kafka.create_topic("requests", partitions),
            results: kafka.create_topic("results", partitions),
            letters: kafka.create_topic("letters", 1),
            group: unique("workers"),
        }
    }

    /// A worker with these further arguments, once it has partitions.
    pub fn worker(&self, arguments: &[&str]) -> Worker {
        let worker = self.start(arguments);
        wait_until("the worker has partitions", SOON, || {
            worker.assert_running();
            worker.log.find("assigned: requests")
        });
        worker
    }

    /// Like [`Topics::worker`], but returns at once.
    pub fn start(&self, arguments: &[&str]) -> Worker {
        let mut command = python(&example("tasks").join("worker.py"));
        let kafka = self.kafka.bootstrap();
        for (name, value) in [
            ("--bootstrap", &kafka),
            ("--requests", &self.requests),
            ("--results", &self.results),
            ("--letters", &self.letters),
            ("--group", &self.group),
        ] {
            command.args([name, value]);
        }
        command.args(["--backoff", "0.05"]).args(arguments);
        command.stderr(Stdio::piped());
        let process = Process::start(command);
        let log = Log::of(process.take_stderr().unwrap());
        Worker { process, log }
    }

    /// A task in the format of the gateway.
    pub fn request(&self, id: &str, payload: &Value) -> Message {
        let value = json!({ "taskId": id, "payload": payload });
        let request = Message::new(value.to_string()).key(id);
        let request = request.header("millstream.client", "ada");
        request.header("traceparent", trace(id))
    }

    pub fn ask(&self, id: &str, payload: &Value) {
        self.kafka
            .produce(&self.requests, [self.request(id, payload)]);
    }

    /// All results so far, in the order of their partition.
    pub fn results(&self) -> Vec<Value> {
        self.kafka
            .read_all(&self.results)
            .iter()
            .map(json_of)
            .collect()
    }

    /// The results of this task, once the final one exists.
    pub fn results_of(&self, id: &str) -> Vec<Value> {
        wait_until(&format!("{id} ends"), SOON, || {
            let mut results = self.results();
            results.retain(|result| result["taskId"] == id);
            results.iter().any(is_final).then_some(results)
        })
    }

    /// The final result of this task.
    pub fn end_of(&self, id: &str) -> Value {
        self.results_of(id).into_iter().find(is_final).unwrap()
    }

    /// Waits for this many dead letters and returns them.
    pub fn letters(&self, count: usize) -> Vec<Consumed> {
        wait_until(&format!("{count} dead letters"), SOON, || {
            let letters = self.kafka.read_all(&self.letters);
            (letters.len() >= count).then_some(letters)
        })
    }

    /// Waits until all requests are committed.
    pub fn wait_committed(&self) {
        let lag = || self.kafka.lag(&self.group, &self.requests);
        wait_until("all requests are committed", SOON, || {
            (lag() == 0).then_some(())
        });
    }
}

impl Worker {
    pub fn assert_running(&self) {
        let ended = self.process.exit_status();
        assert!(
            ended.is_none(),
            "the worker ended ({ended:?}): {}",
            self.log.tail(40)
        );
    }

    pub fn wait_log(&self, text: &str) -> String {
        wait_until(&format!("the worker logs {text:?}"), SOON, || {
            self.log.find(text)
        })
    }

    /// Sends SIGTERM, after which the worker must exit with 0.
    pub fn stop(&self) {
        self.process.signal(Signal::TERM);
        let status = self.process.wait_exit("the worker", SOON);
        assert!(status.success(), "{status:?}: {}", self.log.tail(40));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of a worker:\n{}", self.log.tail(100));
        }
    }
}

pub fn is_final(result: &Value) -> bool {
    result["status"] == "completed" || result["status"] == "failed"
}

pub fn json_of(record: &Consumed) -> Value {
    serde_json::from_str(record.text()).unwrap()
}

/// A `traceparent` that differs for each task.
pub fn trace(id: &str) -> String {
    let hex: String = id.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("00-{hex:0>32.32}-00f067aa0ba902b7-01")
}
