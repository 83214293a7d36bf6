//! The time from a restart after SIGKILL to the first new event in Redis, from SIGTERM under full
//! load to the exit, and from SIGTERM until another daemon has all partitions.

use crate::arguments::some;
use crate::beside::beside;
use crate::daemon::Subject;
use crate::results::Output;
use crate::stats::Figure;
use anyhow::Result;
use millstream_tests::{
    Daemon, Message, config, create_topic, produce, servers, unique, wait_until,
};
use rustix::process::Signal;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

/// Time for a daemon to be busy before it is ended.
const BUSY: Duration = Duration::from_secs(2);

/// Kinds of members of the consumer group, and their keys in `[kafka]`.
const MEMBERS: [(&str, &str); 2] = [
    ("by default", ""),
    ("with dynamic membership", "membership = \"dynamic\""),
];

#[derive(clap::Args)]
pub struct Options {
    /// How many rounds for each kind of member
    #[arg(long, default_value_t = 9, value_parser = some())]
    rounds: u32,
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    output: Output,
}

pub fn run(options: &Options) -> Result<()> {
    let program = options.subject.program()?;
    let mut figures = Vec::new();
    for (member, key) in MEMBERS {
        let (topic, prefix) = (create_topic("restart", 4), unique("restart"));
        let toml = toml(&topic, &prefix, key);
        let (first, exit) = measure(&program, (&topic, &prefix, &toml), options.rounds);
        figures.push(Figure::of(
            format!("{member}: SIGKILL to the first new event"),
            "s",
            first,
        ));
        figures.push(Figure::of(
            format!("{member}: SIGTERM under load to the exit"),
            "s",
            exit,
        ));
        figures.push(Figure::of(
            format!("{member}: SIGTERM until another daemon has all partitions"),
            "s",
            moves(&program, &toml, options.rounds),
        ));
    }
    options.output.figures("restart", &figures)
}

/// Seconds from SIGKILL to the first new event, and from SIGTERM to the exit.
fn measure(
    program: &Path,
    (topic, prefix, toml): (&str, &str, &str),
    rounds: u32,
) -> (Vec<f64>, Vec<f64>) {
    let mut daemon = Daemon::builder(toml).program(Some(program)).start();
    daemon.wait_ready(LONG);
    let work = || {
        let record = br#"{"clientId":"ada","eventId":"e"}"#;
        produce(
            topic,
            (0..5000).map(|n| Message::new(&record[..]).partition(n % 4)),
        );
    };
    let rounds = beside(work, || {
        let round = |_| (first_event(&mut daemon, prefix), exit(&mut daemon));
        (0..rounds).map(round).collect::<Vec<_>>()
    });
    assert_eq!(daemon.terminate(), Some(0));
    rounds.into_iter().unzip()
}

/// Seconds that the partitions of a stopped daemon take to another one.
fn moves(program: &Path, toml: &str, rounds: u32) -> Vec<f64> {
    let start = || Daemon::builder(toml).program(Some(program)).start();
    let mut old = start();
    old.wait_ready(LONG);
    let round = |_| {
        let new = start();
        wait_assigned(&new, 2);
        // librdkafka joins at most once a second.
        thread::sleep(BUSY);
        let began = Instant::now();
        old.signal(Signal::TERM);
        wait_assigned(&new, 4);
        let took = began.elapsed().as_secs_f64();
        assert_eq!(old.wait_exit(LONG), Some(0));
        old = new;
        took
    };
    (0..rounds).map(round).collect()
}

/// Waits until a daemon has been assigned this many partitions since its start.
fn wait_assigned(daemon: &Daemon, count: usize) {
    wait_until("partitions are assigned", LONG, || {
        let lines = daemon.log().lines();
        let assigned = |line: &&String| line.contains("partition assigned");
        (lines.iter().filter(assigned).count() == count).then_some(())
    });
}

fn first_event(daemon: &mut Daemon, prefix: &str) -> f64 {
    thread::sleep(BUSY);
    daemon.kill();
    let before = entries(prefix);
    let began = Instant::now();
    daemon.restart();
    wait_until("a new event", LONG, || {
        (entries(prefix) > before).then_some(())
    });
    began.elapsed().as_secs_f64()
}

fn exit(daemon: &mut Daemon) -> f64 {
    thread::sleep(BUSY);
    let began = Instant::now();
    assert_eq!(daemon.terminate(), Some(0));
    let took = began.elapsed().as_secs_f64();
    daemon.restart();
    daemon.wait_ready(LONG);
    took
}

/// The number of entries ever added to the one stream, which is trimmed.
fn entries(prefix: &str) -> u64 {
    let key = format!("{prefix}:{{0}}:client:ada");
    let info: redis::RedisResult<redis::Value> = redis::cmd("XINFO")
        .arg("STREAM")
        .arg(key)
        .query(&mut servers().redis.connect());
    let Ok(redis::Value::Array(fields)) = info else {
        return 0;
    };
    let at = fields.iter().position(
        |field| matches!(field, redis::Value::BulkString(name) if name == b"entries-added"),
    );
    match at.and_then(|at| fields.get(at + 1)) {
        Some(redis::Value::Int(n)) => n.unsigned_abs(),
        _ => 0,
    }
}

fn toml(topic: &str, prefix: &str, key: &str) -> String {
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let rest = r#"
name = "restart"
transform = { plugin = "bundled:by-field", config = { client = "/clientId" } }
"#;
    let config = config(&kafka, &redis, topic, prefix, rest);
    config.replacen("[store]", &format!("{key}\n[store]"), 1)
}
