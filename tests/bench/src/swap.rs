//! The time from saving a plugin's file to its first event in a browser's stream: cold, with a new
//! file each time, and warm, with files that are in the compile cache.

use crate::arguments::some;
use crate::beside::beside;
use crate::daemon::Subject;
use crate::results::Output;
use crate::stats::Figure;
use anyhow::{Result, ensure};
use millstream_tests::{
    Daemon, Message, Sse, config, create_topic, metrics, produce, servers, unique, versioned,
};
use std::fs;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

/// What the plugins write into their events.
const VERSIONS: [&str; 2] = ["one", "two"];

#[derive(clap::Args)]
pub struct Options {
    /// How many swaps of each kind
    #[arg(long, default_value_t = 20, value_parser = some())]
    swaps: u32,
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    output: Output,
}

pub fn run(options: &Options) -> Result<()> {
    let program = options.subject.program()?;
    let (topic, prefix) = (create_topic("swap", 1), unique("swap"));
    let files = VERSIONS.map(versioned);
    let daemon = Daemon::builder(&toml(&topic, &prefix))
        .program(Some(&program))
        .file("plugins/t.wasm", &files[0])
        .start();
    daemon.wait_ready(LONG);
    let bytes = files[0].len();
    let mut swaps = Swaps {
        events: Sse::open(&daemon.sse(), "/v1/events?client=ada", &[]),
        daemon: &daemon,
        files,
        done: 0,
    };
    let work = || {
        let record = Message::new(br#"{"clientId":"ada","eventId":"e"}"#);
        produce(&topic, [record]);
    };
    let (cold, warm) = beside(work, || swaps.measure(options.swaps));
    let done = metrics(&daemon.admin()).sum("millstream_swaps_total", &["result=\"done\""]);
    ensure!(
        done == f64::from(swaps.done),
        "the daemon counts {done} swaps of {}",
        swaps.done
    );
    let figures = [
        Figure::of(format!("cold, {bytes} bytes"), "ms", cold),
        Figure::of(format!("warm, {bytes} bytes"), "ms", warm),
    ];
    options.output.figures("swap", &figures)
}

/// Swaps of one plugin, by both versions in turn.
struct Swaps<'a> {
    events: Sse,
    daemon: &'a Daemon,
    files: [Vec<u8>; 2],
    done: u32,
}

impl Swaps<'_> {
    /// Milliseconds of this many cold swaps, and of as many warm ones.
    fn measure(&mut self, swaps: u32) -> (Vec<f64>, Vec<f64>) {
        let cold = (0..swaps)
            .map(|n| self.swap(&format!("cold {n}")))
            .collect();
        // Brings both files into the cache.
        for _ in VERSIONS {
            self.swap("warm");
        }
        let warm = (0..swaps).map(|_| self.swap("warm")).collect();
        (cold, warm)
    }

    /// Milliseconds from saving the file of this name and the next version to its first event.
    fn swap(&mut self, name: &str) -> f64 {
        self.done += 1;
        let which = self.done as usize % 2;
        let dir = self.daemon.dir();
        let (aside, plugin) = (dir.join("aside"), dir.join("plugins/t.wasm"));
        fs::write(&aside, named(&self.files[which], name)).unwrap();
        fs::rename(aside, plugin).unwrap();
        let saved = Instant::now();
        let wanted = format!("\"version\":\"{}\"", VERSIONS[which]);
        loop {
            let event = self.events.next_event(LONG).unwrap();
            if event.data.unwrap().contains(&wanted) {
                return saved.elapsed().as_secs_f64() * 1e3;
            }
        }
    }
}

/// The plugin with a custom section of this name, which makes it another file.
fn named(wasm: &[u8], name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).expect("a short name");
    let mut named = wasm.to_vec();
    named.extend([0, length + 1, length]);
    named.extend(name.as_bytes());
    named
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
