//! Records with a schema: decoded before plugins see them.

mod bundled;
mod encode;
mod hostile;
mod matrix;
mod registry;
mod road;
mod types;

use millstream_tests::{config, registry, servers};
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A limit for failing tests, not an expectation of speed.
const LONG: Duration = Duration::from_secs(120);

/// A `millstream.toml` that decodes values by this registry; the key is the client.
fn decoding(topic: &str, prefix: &str, url: &str) -> String {
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let rest = format!("name = \"p\"\ndecode = \"registry\"\n[registry]\nurl = {url:?}\n");
    config(&kafka, &redis, topic, prefix, &rest)
}

/// The same with the shared registry.
fn shared(topic: &str, prefix: &str) -> String {
    decoding(topic, prefix, &registry().url())
}

/// What a command answers to this input.
fn run_with_input(command: &mut Command, input: &str) -> Output {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}
