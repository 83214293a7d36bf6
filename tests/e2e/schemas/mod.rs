//! Records with a schema: decoded before plugins see them.

mod bundled;
mod encode;
mod hostile;
mod matrix;
mod registry;
mod road;
mod types;

use millstream_tests::{config, registry, servers};
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
