//! Records a second from Kafka to Redis, alternating between this daemon and another:
//! `cargo bench -p millstream-tests --features bench --bench road -- --against <file>`
//! (after `cargo build --release -p millstream`). Only the ratio counts: both use the same Kafka,
//! Redis and cores.

use millstream_tests::{Daemon, Message, create_topic, metrics, produce, servers, unique};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const RECORDS: usize = 500_000;
const CLIENTS: usize = 1000;
const ROUNDS: usize = 12;
const LONG: Duration = Duration::from_secs(60);

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--against");
    let other = arguments.nth(1).map(PathBuf::from);
    let topic = create_topic("road", 4);
    let record = |n: usize| {
        let client = n % CLIENTS;
        let value =
            format!(r#"{{"clientId":"client-{client}","eventType":"t","text":"record {n}"}}"#);
        Message::new(value.into_bytes()).partition((n % 4) as i32)
    };
    produce(&topic, (0..RECORDS).map(record));
    let programs = [Some(Daemon::program()), other];
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        // Whichever is first in a round finds a Redis that is less full.
        for turn in 0..programs.len() {
            let which = (round + turn) % programs.len();
            if let Some(program) = &programs[which] {
                rates[which].push(measure(&topic, program));
            }
        }
    }
    let [this, other] = rates.map(median);
    let this = this.expect("this daemon is always measured");
    match other {
        None => println!("{this:.0} records/s"),
        Some(other) => println!(
            "this daemon {this:.0} records/s, the other {other:.0} records/s, ratio {:.3} \
             (medians of {ROUNDS} rounds)",
            this / other
        ),
    }
}

/// Records a second, from the first stored record to the last.
fn measure(topic: &str, program: &std::path::Path) -> f64 {
    let prefix = unique("road");
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let rest = "name = \"road\"
transform = { plugin = \"bundled:by-field\", config = { client = \"/clientId\", type = \"/eventType\" } }";
    let config = millstream_tests::config(&kafka, &redis, topic, &prefix, rest);
    let daemon = Daemon::builder(&config).program(Some(program)).start();
    let stored = || metrics(&daemon.admin()).sum("millstream_records_total", &[]) as usize;
    let deadline = Instant::now() + LONG;
    let wait = |records: usize| loop {
        let now = stored();
        if now >= records {
            return (Instant::now(), now);
        }
        assert!(Instant::now() < deadline, "{now} of {records} records");
        std::thread::sleep(Duration::from_millis(5));
    };
    let (began, before) = wait(1);
    let (ended, after) = wait(RECORDS);
    assert_eq!(daemon.terminate(), Some(0));
    (after - before) as f64 / (ended - began).as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}
