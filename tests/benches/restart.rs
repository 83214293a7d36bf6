//! The time from a restart after SIGKILL to the first new event in Redis, and from SIGTERM under
//! full load to the exit: `cargo bench -p millstream-tests --features bench --bench restart` (after
//! `cargo build --release`).

use millstream_tests::{
    Daemon, Message, config, create_topic, produce, servers, unique, wait_until,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const ROUNDS: usize = 9;
const LONG: Duration = Duration::from_secs(60);

fn main() {
    measure("a new member each time", "");
    measure("a static member", "\"group.instance.id\" = \"one\"");
}

fn measure(what: &str, property: &str) {
    let (topic, prefix) = (create_topic("restart", 4), unique("restart"));
    let mut daemon = Daemon::ready(&toml(&topic, &prefix, property));
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
    println!("{what}: SIGKILL to the first new event {}", told(first));
    println!("{what}: SIGTERM under load to the exit {}", told(exit));
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

fn toml(topic: &str, prefix: &str, property: &str) -> String {
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let rest = format!(
        r#"
name = "restart"
transform = {{ plugin = "bundled:by-field", config = {{ client = "/clientId" }} }}
[kafka.properties]
{property}
"#
    );
    config(&kafka, &redis, topic, prefix, &rest)
}
