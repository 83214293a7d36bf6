//! The time from saving a plugin's file to its first event in a browser's stream:
//! `cargo bench -p millstream-tests --features bench --bench swap`
//! (after `cargo build --release`). Each file is new, so each is compiled.

use millstream_tests::{
    Daemon, Message, Sse, config, create_topic, metrics, produce, servers, unique, versioned,
};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const SWAPS: usize = 20;
const LONG: Duration = Duration::from_secs(60);

fn main() {
    let topic = create_topic("swap", 1);
    let prefix = unique("swap");
    let files = [versioned("one"), versioned("two")];
    let daemon = Daemon::builder(&toml(&topic, &prefix))
        .file("plugins/t.wasm", &files[0])
        .start();
    daemon.wait_ready(LONG);
    let mut events = Sse::open(&daemon.sse(), "/v1/events?client=ada", &[]);
    let done = AtomicBool::new(false);
    let mut times = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                produce(
                    &topic,
                    [Message::new(br#"{"clientId":"ada","eventId":"e"}"#)],
                );
            }
        });
        for swap in 1..=SWAPS {
            times.push(time_one(&daemon, &mut events, &files[swap % 2], swap));
        }
        done.store(true, Ordering::Relaxed);
    });
    let swaps = metrics(&daemon.admin()).sum("millstream_swaps_total", &["result=\"done\""]);
    assert_eq!(swaps, SWAPS as f64);
    times.sort();
    println!(
        "{} bytes a file, {SWAPS} swaps: min {:?}, median {:?}, max {:?}",
        files[0].len(),
        times[0],
        times[SWAPS / 2],
        times[SWAPS - 1]
    );
}

fn time_one(daemon: &Daemon, events: &mut Sse, file: &[u8], swap: usize) -> Duration {
    let version = ["one", "two"][swap % 2];
    // A different custom section makes it a different file.
    let name = format!("swap {swap}");
    let mut wasm = file.to_vec();
    wasm.extend([0, name.len() as u8 + 1, name.len() as u8]);
    wasm.extend(name.as_bytes());
    let (aside, plugin) = (
        daemon.dir().join("aside"),
        daemon.dir().join("plugins/t.wasm"),
    );
    fs::write(&aside, wasm).unwrap();
    fs::rename(aside, plugin).unwrap();
    let saved = Instant::now();
    let wanted = format!("\"version\":\"{version}\"");
    while !events
        .next_event(LONG)
        .unwrap()
        .data
        .unwrap()
        .contains(&wanted)
    {}
    saved.elapsed()
}

fn toml(topic: &str, prefix: &str) -> String {
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let rest = r#"
name = "swap"
transform = { plugin = "plugins/t.wasm" }
[plugins]
cache = "cache"
"#;
    config(&kafka, &redis, topic, prefix, rest)
}
