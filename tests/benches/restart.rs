//! The time from a restart after SIGKILL to the first new event in Redis, from SIGTERM under full
//! load to the exit, and from SIGTERM until another daemon has all partitions: `cargo bench -p millstream-tests --features bench --bench restart` (after
//! `cargo build --release`).

use millstream_tests::{
    Daemon, Message, config, create_topic, produce, servers, unique, wait_until,
};
use rustix::process::Signal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const ROUNDS: usize = 9;
const LONG: Duration = Duration::from_secs(60);

fn main() {
    measure("by default", "");
    measure("with dynamic membership", "membership = \"dynamic\"");
}

fn measure(what: &str, key: &str) {
    let (topic, prefix) = (create_topic("restart", 4), unique("restart"));
    let toml = toml(&topic, &prefix, key);
    let mut daemon = Daemon::ready(&toml);
    let over = AtomicBool::new(false);
    let (mut first, mut exit) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            let record = br#"{"clientId":"ada","eventId":"e"}"#;
            while !over.load(Ordering::Relaxed) {
                produce(
                    &topic,
                    (0..5000).map(|n| Message::new(&record[..]).partition(n % 4)),
                );
            }
        });
        for _ in 0..ROUNDS {
            thread::sleep(Duration::from_secs(2));
            daemon.kill();
            let before = entries(&prefix);
            let began = Instant::now();
            daemon.restart();
            wait_until("a new event", LONG, || {
                (entries(&prefix) > before).then_some(())
            });
            first.push(began.elapsed());
            thread::sleep(Duration::from_secs(2));
            let began = Instant::now();
            assert_eq!(daemon.terminate(), Some(0));
            exit.push(began.elapsed());
            daemon.restart();
            daemon.wait_ready(LONG);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(daemon.terminate(), Some(0));
    println!("{what}: SIGKILL to the first new event {}", told(first));
    println!("{what}: SIGTERM under load to the exit {}", told(exit));
    let moved = told(move_times(&toml));
    println!("{what}: SIGTERM until another daemon has all partitions {moved}");
}

/// The times that the two partitions of a stopped daemon take to another one.
fn move_times(toml: &str) -> Vec<Duration> {
    let assigned = |daemon: &Daemon, count: usize| {
        wait_until("partitions are assigned", LONG, || {
            let lines = daemon.log().lines();
            let lines = lines
                .iter()
                .filter(|line| line.contains("partition assigned"));
            (lines.count() == count).then_some(())
        });
    };
    let mut old = Daemon::ready(toml);
    let round = |_| {
        let new = Daemon::builder(toml).start();
        assigned(&new, 2);
        // librdkafka joins at most once a second.
        thread::sleep(Duration::from_secs(2));
        let began = Instant::now();
        old.signal(Signal::TERM);
        assigned(&new, 4);
        let took = began.elapsed();
        assert_eq!(old.wait_exit(LONG), Some(0));
        old = new;
        took
    };
    (0..ROUNDS).map(round).collect()
}

fn told(mut times: Vec<Duration>) -> String {
    times.sort();
    let (min, median, max) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    format!("min {min:.2?}, median {median:.2?}, max {max:.2?}")
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
