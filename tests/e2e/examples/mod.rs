//! Runs each example from the files in its folder.

mod notifications;
mod run;
mod tasks;

use millstream_tests::{
    Daemon, Message, Sse, create_topic, guest_at, produce, scratch_dir, servers, unique, workspace,
};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

fn example(name: &str) -> PathBuf {
    workspace().join("examples").join(name)
}

/// The folder for screenshots of pages: `MILLSTREAM_SHOTS`, or a temporary one.
fn shots() -> PathBuf {
    std::env::var_os("MILLSTREAM_SHOTS").map_or_else(|| scratch_dir("shots"), Into::into)
}

/// Runs the example's configuration with this run's servers, ports and topic; produces the value
/// and opens a stream of `ada`.
fn run(name: &str, wasm: Option<Vec<u8>>, value: &str) -> (Daemon, Sse) {
    let text = fs::read_to_string(example(name).join("millstream.toml")).unwrap();
    let topic = create_topic(name, 1);
    let prefix = unique(name);
    let listeners =
        "[http]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[[pipeline]]";
    let topics = text
        .lines()
        .find(|line| line.starts_with("topics = "))
        .unwrap();
    let text = text
        .replace("127.0.0.1:9092", &servers().kafka.bootstrap())
        .replace(
            "redis://127.0.0.1:6379\"",
            &format!("{}\"\nkey-prefix = \"{prefix}\"", servers().redis.url()),
        )
        .replace(topics, &format!("topics = [\"{topic}\"]"))
        .replace("[[pipeline]]", listeners);
    let mut daemon = Daemon::builder(&text);
    if let Some(wasm) = wasm {
        daemon = daemon.file("target/wasm32-unknown-unknown/release/orders.wasm", &wasm);
    }
    let daemon = daemon.start();
    daemon.wait_ready(LONG);
    produce(&topic, [Message::new(value.as_bytes())]);
    let events = Sse::open(&daemon.sse(), "/v1/events?client=ada&from=earliest", &[]);
    (daemon, events)
}

#[test]
fn every_configuration_of_the_examples_is_valid() {
    // The configuration of `orders` needs its plugin, which a test below builds.
    for name in ["notifications", "quickstart", "tasks"] {
        let file = example(name).join("millstream.toml");
        let mut check = Command::new(Daemon::program());
        check.env("KAFKA", "127.0.0.1:9092").env("REDIS", "memory:");
        for (name, port) in [
            ("PORT", "1"),
            ("ADMIN_PORT", "2"),
            ("APP_PORT", "3"),
            ("PAGE_PORT", "4"),
        ] {
            check.env(name, port);
        }
        check.args(["config", "check", "-c"]).arg(file);
        assert!(check.status().unwrap().success(), "{name}");
    }
}

#[test]
fn the_quickstart_delivers_a_record_to_its_client() {
    let value = r#"{"clientId":"ada","eventType":"hello","text":"it works"}"#;
    let (_daemon, mut events) = run("quickstart", None, value);
    let event = events.next_event(LONG).unwrap();
    assert_eq!(event.event.as_deref(), Some("hello"));
    assert_eq!(event.data.as_deref(), Some(value));
}

#[test]
fn the_orders_plugin_builds_and_notifies_the_customer() {
    let wasm = guest_at(&example("orders"), "orders");
    let value = r#"{"customer":"ada","id":7,"state":"shipped"}"#;
    let (_daemon, mut events) = run("orders", Some(wasm), value);
    let event = events.next_event(LONG).unwrap();
    assert_eq!(event.event.as_deref(), Some("order"));
    assert_eq!(
        event.data.as_deref(),
        Some(r#"{"order":7,"state":"shipped"}"#)
    );
}
