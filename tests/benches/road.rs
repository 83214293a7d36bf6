//! Records a second from Kafka to Redis, alternating between this daemon and another:
//! `cargo bench -p millstream-tests --features bench --bench road -- --against <file>`
//! (after `cargo build --release -p millstream`). Only the ratio counts: both use the same Kafka,
//! Redis and cores. `--state` compares a transform that counts the records of each key with one
//! that makes the same events without the counts.

use millstream_tests::{
    Daemon, Message, counting, create_topic, metrics, produce, servers, unique, versioned,
};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const RECORDS: usize = 500_000;
const CLIENTS: usize = 1000;
const ROUNDS: usize = 12;
const LONG: Duration = Duration::from_secs(60);

/// A daemon, its transform, and the plugin's file.
struct Contender {
    name: &'static str,
    program: PathBuf,
    transform: &'static str,
    plugin: Vec<u8>,
}

impl Contender {
    fn of(name: &'static str, program: PathBuf) -> Contender {
        Contender {
            name,
            program,
            transform: r#"{ plugin = "bundled:by-field", config = { client = "/clientId", type = "/eventType" } }"#,
            plugin: Vec::new(),
        }
    }

    fn with(name: &'static str, transform: &'static str, plugin: Vec<u8>) -> Contender {
        Contender {
            transform,
            plugin,
            ..Contender::of(name, Daemon::program())
        }
    }
}

fn contenders() -> Vec<Contender> {
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    if has("--state") {
        let with = r#"{ plugin = "p.wasm", capabilities = ["keyvalue"] }"#;
        return vec![
            Contender::with(
                "without state",
                r#"{ plugin = "p.wasm" }"#,
                versioned("one"),
            ),
            Contender::with("with state", with, counting("one")),
        ];
    }
    let mut contenders = vec![Contender::of("this daemon", Daemon::program())];
    let mut arguments = std::env::args().skip_while(|argument| argument != "--against");
    let other = arguments.nth(1).map(PathBuf::from);
    contenders.extend(other.map(|other| Contender::of("the other", other)));
    contenders
}

fn main() {
    let topic = create_topic("road", 4);
    let record = |n: usize| {
        let client = n % CLIENTS;
        let value = format!(
            r#"{{"clientId":"client-{client}","eventType":"t","eventId":"{n}","text":"record {n}"}}"#
        );
        let key = format!("client-{client}");
        Message::new(value.into_bytes())
            .key(key)
            .partition((n % 4) as i32)
    };
    produce(&topic, (0..RECORDS).map(record));
    let contenders = contenders();
    let mut rates = vec![Vec::new(); contenders.len()];
    for round in 0..ROUNDS {
        // Whichever is first in a round finds a Redis that is less full.
        for turn in 0..contenders.len() {
            let which = (round + turn) % contenders.len();
            rates[which].push(measure(&topic, &contenders[which]));
        }
    }
    let rates: Vec<f64> = rates.into_iter().filter_map(median).collect();
    for (contender, rate) in contenders.iter().zip(&rates) {
        println!("{}: {rate:.0} records/s", contender.name);
    }
    if let [first, second] = rates[..] {
        println!("ratio {:.3} (medians of {ROUNDS} rounds)", first / second);
    }
}

/// Records a second, from the first stored record to the last.
fn measure(topic: &str, contender: &Contender) -> f64 {
    let prefix = unique("road");
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let rest = format!("name = \"road\"\ntransform = {}", contender.transform);
    let config = millstream_tests::config(&kafka, &redis, topic, &prefix, &rest);
    let daemon = Daemon::builder(&config).program(Some(&contender.program));
    let daemon = daemon.file("p.wasm", &contender.plugin).start();
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
