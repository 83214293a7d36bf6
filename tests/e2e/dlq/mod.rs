//! `millstream dlq`: dead letters, listed, shown, and replayed once.

mod concurrent_replays;
mod copies;
mod killed;
mod listed;
mod many_letters;
mod not_found;
mod omitted;
mod refused;
mod routed;
mod sent;
mod shown;
mod stopped;

use millstream_tests::{
    Daemon, Entry, Message, Process, SHORT_SESSIONS, produce, scratch_dir, servers, streams,
    unique, wait_until,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A limit for failing tests, not an expectation of speed.
const LONG: Duration = Duration::from_secs(120);

/// A transform that fails every record, and one that does not.
const BROKEN: &str = r#"{ plugin = "bundled:by-field", config = { client = "/no/such/field" } }"#;
const MENDED: &str =
    r#"{ plugin = "bundled:by-field", config = { client = "/client", type = "/kind" } }"#;

/// A topic with its dead-letter topic, and a folder to run commands in.
struct Fixture {
    topic: String,
    dead: String,
    prefix: String,
    dir: PathBuf,
}

impl Fixture {
    /// A topic and a dead-letter topic with this many partitions each.
    fn new(partitions: i32) -> Fixture {
        Fixture::with(partitions, partitions)
    }

    /// A topic and a dead-letter topic, with this many partitions.
    fn with(partitions: i32, of_letters: i32) -> Fixture {
        let topic = servers().kafka.create_topic("letters", partitions);
        let dead = format!("{topic}-dlq");
        servers().kafka.create_topic_named(&dead, of_letters, &[]);
        Fixture {
            topic,
            dead,
            prefix: unique("dlq"),
            dir: scratch_dir("dlq"),
        }
    }

    /// A pipeline with this transform; `more` are further keys of the pipeline.
    fn config(&self, transform: &str, more: &str) -> String {
        let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
        let rest = format!("name = \"notes\"\ntransform = {transform}\n{more}\n{SHORT_SESSIONS}");
        millstream_tests::config(&kafka, &redis, &self.topic, &self.prefix, &rest)
    }

    /// Runs a daemon with a broken transform until each of these records is a dead letter.
    fn fail(&self, records: Vec<Message>) {
        let count = records.len() as i64;
        produce(&self.topic, records);
        let daemon = Daemon::ready(&self.config(BROKEN, ""));
        self.wait_for_letters(count);
        assert_eq!(daemon.terminate(), Some(0));
        daemon.kill();
        assert!(self.entries().is_empty(), "all records failed");
    }

    fn wait_for_letters(&self, count: i64) {
        wait_until(&format!("{count} letters"), LONG, || {
            let ends = servers().kafka.ends(&self.dead);
            (ends.values().sum::<i64>() >= count).then_some(())
        });
    }

    /// The program and arguments of `millstream dlq <arguments>` with this configuration.
    fn command(&self, config: &str, arguments: &[&str]) -> (PathBuf, Vec<String>) {
        let path = self.dir.join(format!("{}.toml", unique("config")));
        std::fs::write(&path, config).unwrap();
        let mut all = vec!["dlq".to_string()];
        all.extend(arguments.iter().map(|a| (*a).to_string()));
        all.extend(["-c".into(), path.display().to_string()]);
        (Daemon::program(), all)
    }

    fn dlq(&self, config: &str, arguments: &[&str]) -> Output {
        let (program, arguments) = self.command(config, arguments);
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Starts a command that runs beside the test; returns it and the file that gets its report.
    fn start(&self, config: &str, arguments: &[&str]) -> (Process, PathBuf) {
        let (program, arguments) = self.command(config, arguments);
        let out = self.dir.join(unique("report"));
        let mut command = Process::command(&program);
        command.args(arguments);
        command.stdout(std::fs::File::create(&out).unwrap());
        (Process::start(command), out)
    }

    /// The report of a replay, and the command's exit code.
    fn replay(&self, config: &str, arguments: &[&str]) -> (Value, Option<i32>) {
        let arguments = [&["replay", "--json"], arguments].concat();
        let output = self.dlq(config, &arguments);
        let told = serde_json::from_slice(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        println!("{arguments:?}: {told:?} {said}");
        (told.expect(&said), output.status.code())
    }

    /// Whether any record has a replay mark.
    fn is_marked(&self) -> bool {
        let key = format!("{}:{{0}}:replayed:{}", self.prefix, self.prefix);
        let mut redis = servers().redis.connect();
        redis::cmd("EXISTS").arg(key).query(&mut redis).unwrap()
    }

    /// Every entry of every client's stream.
    fn entries(&self) -> Vec<Entry> {
        streams(&self.prefix).into_values().flatten().collect()
    }

    /// The sources of all clients' events, sorted.
    fn sources(&self) -> Vec<String> {
        let mut sources: Vec<_> = self.entries().into_iter().map(|e| e.source).collect();
        sources.sort();
        sources
    }

    /// The sources of the first event of these records, sorted.
    fn expected(&self, records: impl IntoIterator<Item = (i32, i64)>) -> Vec<String> {
        let source = |(partition, offset)| format!("{}/{partition}/{offset}/0", self.topic);
        let mut sources: Vec<_> = records.into_iter().map(source).collect();
        sources.sort();
        sources
    }

    /// A letter of a record of the topic as the daemon writes it; `own` are the record's own
    /// headers.
    fn letter(&self, offset: i64, value: &str, own: &[(&str, &str)]) -> Message {
        let mut letter = Message::new(value).partition(0);
        for (name, value) in own {
            letter = letter.header(name, *value);
        }
        let (offset, source) = (offset.to_string(), format!("{}/0/{offset}", self.topic));
        for (name, value) in [
            ("class", "rejected"),
            ("message", "no"),
            ("stage", "transform"),
            ("plugin", "plugins/orders.wasm"),
            ("digest", "d1"),
            ("attempts", "1"),
            ("topic", &*self.topic),
            ("partition", "0"),
            ("offset", &*offset),
            ("timestamp", "1795248000000"),
        ] {
            letter = letter.header(&format!("millstream.error.{name}"), value);
        }
        letter.header("millstream.source", source)
    }
}

/// A record for a client, which `MENDED` accepts.
fn note(client: &str, n: usize) -> Message {
    let value = json!({ "client": client, "kind": "mail", "n": n });
    Message::new(value.to_string()).key(client)
}

fn notes(count: usize) -> Vec<Message> {
    (0..count)
        .map(|n| note(&format!("c{}", n % 20), n))
        .collect()
}

/// A number in a report.
fn number(report: &Value, name: &str) -> u64 {
    report[name]
        .as_u64()
        .unwrap_or_else(|| panic!("{name} of {report}"))
}

/// The number of letters for each reason or class in a report.
fn counts(report: &Value, list: &str, key: &str) -> BTreeMap<String, u64> {
    let each = report[list].as_array().unwrap().iter();
    each.map(|one| (one[key].as_str().unwrap().to_string(), number(one, "count")))
        .collect()
}

/// Checks that the report counts every selected letter once.
fn check_sum(report: &Value) {
    let lists: u64 = [("failed", "class"), ("refused", "reason")]
        .iter()
        .flat_map(|(list, key)| counts(report, list, key).into_values())
        .sum();
    let sent: u64 = report["sent"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    let plain = ["replayed", "filtered", "before", "copies"].map(|name| number(report, name));
    let sum = lists + sent + plain.iter().sum::<u64>();
    assert_eq!(sum, number(report, "chosen"), "{report}");
}

/// A report without the field that tells a dry run.
fn numbers(report: &Value) -> Value {
    let mut numbers = report.clone();
    numbers["dry-run"] = Value::Null;
    numbers
}
