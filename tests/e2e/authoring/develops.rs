//! `plugin dev`: live after each save, and not with a broken or wrong plugin.

use super::Author;
use millstream_tests::{
    Browser, Daemon, Log, Message, Process, Sse, config, free_port, produce, request, servers,
    unique, wait_until,
};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

/// A time-out for things that happen eventually, not an expectation of speed.
const LONG: Duration = Duration::from_secs(240);

/// A running `plugin dev`.
struct Dev {
    _process: Process,
    out: Arc<Log>,
}

impl Dev {
    fn start(author: &Author, more: &[&str]) -> Dev {
        let arguments = [&["plugin", "dev"], more].concat();
        let mut command = author.command(&arguments);
        command.stdout(Stdio::piped());
        let process = Process::start(command);
        let out = Log::of(process.take_stdout().unwrap());
        Dev {
            _process: process,
            out,
        }
    }

    /// The first line with these words, once it is printed.
    fn wait_for(&self, words: &str) -> String {
        wait_until(words, LONG, || self.out.find(words))
    }

    /// The address in the line with these words.
    fn address(&self, words: &str) -> String {
        let line = self.wait_for(words);
        let (_, rest) = line.split_once("http://").expect("an address");
        rest.split(['/', '\'']).next().unwrap().trim().to_owned()
    }
}

#[test]
fn each_save_is_built_tested_and_live() {
    let author = Author::new("transform");
    let dev = Dev::start(&author, &["--rate", "20"]);
    dev.wait_for("start: built");
    let mut ada = Sse::open(&dev.address("curl -N"), "/v1/events?client=ada", &[]);
    let mut event = |kind: &str| {
        wait_until(&format!("an event of the type {kind}"), LONG, || {
            let event = ada.next_event(LONG)?;
            (event.event.as_deref() == Some(kind)).then_some(())
        });
    };
    event("order");

    // A result that is not expected does not go live.
    author.edit("src/lib.rs", "kind(\"order\")", "kind(\"changed\")");
    dev.wait_for("not live: not as expected");
    event("order");
    author.edit(
        "fixtures/orders.expected.jsonl",
        "\"type\":\"order\"",
        "\"type\":\"changed\"",
    );
    dev.wait_for("fixtures/orders.expected.jsonl: built");
    event("changed");

    // Nor does what can't be built.
    author.edit("src/lib.rs", "kind(\"changed\")", "kind(\"changed\"");
    dev.wait_for("cargo could not build it");
    event("changed");
}

#[test]
fn the_playground_runs_what_is_typed_and_keeps_it() {
    let author = Author::new("transform");
    let dev = Dev::start(&author, &["--page", "127.0.0.1:0"]);
    let page = dev.address("playground on");
    let mut browser = Browser::open(&format!("http://{page}/"));
    let rows = "document.querySelectorAll('#results tbody tr').length";
    browser.wait_for(&format!("{rows} === 3"), LONG);
    browser.wait_for(
        "document.getElementById('line').textContent.includes('; live ')",
        LONG,
    );
    let type_in = |text: &str| {
        format!(
            "{{ const text = document.getElementById('text'); text.value = {text:?};
             text.dispatchEvent(new Event('input')); }} true"
        )
    };
    browser.eval(&type_in(
        r#"{"json": {"customer": "eve", "id": 9, "total": 1}}"#,
    ));
    let shown = "document.querySelector('#results tbody').textContent";
    browser.wait_for(&format!("{shown}.includes('eve')"), LONG);
    browser.eval("document.querySelector('#keep button').click(); true");
    let kept = "document.getElementById('kept').textContent.startsWith('kept 1')";
    browser.wait_for(kept, LONG);
    assert!(author.read("fixtures/kept.jsonl").contains("eve"));
    let expected = author.read("fixtures/kept.expected.jsonl");
    assert!(expected.contains("\"client\":\"eve\""), "{expected}");
    browser.eval(&type_in("nonsense"));
    let error = "document.getElementById('error').textContent.includes('line 1')";
    browser.wait_for(error, LONG);
    assert_eq!(browser.exceptions(), Vec::<String>::new());

    let open = author.run(&["dev", "--page", "0.0.0.0:0"]).failed(1);
    assert!(open.contains("only this machine may reach it"), "{open}");

    // The page of another site can't write into the project.
    let headers = [("sec-fetch-site", "cross-site")];
    let refused = request("POST", &page, "/keep", &headers, b"{}").unwrap();
    assert_eq!(refused.status, 403);
    let foreign = request("GET", &page, "/state", &[("host", "evil.example")], b"").unwrap();
    assert_eq!(foreign.status, 421);
}

#[test]
fn a_save_goes_live_in_the_authors_own_daemon() {
    let author = Author::new("transform");
    author.run(&["build"]).done();
    let topic = servers().kafka.create_topic("into", 1);
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let plugin = author.path("dist/orders.wasm").display().to_string();
    let rest = format!("name = \"orders\"\ntransform = {{ plugin = \"{plugin}\" }}\n");
    let toml = config(&kafka, &redis, &topic, &unique("into"), &rest);
    let admin = format!("[admin]\nlisten = \"127.0.0.1:{}\"", free_port());
    let toml = toml.replace("[admin]\nlisten = \"127.0.0.1:0\"", &admin);
    author.write("millstream.toml", &toml);
    let daemon = Daemon::ready(&toml);
    let order = || Message::new(r#"{"customer": "ada", "id": 1, "total": 9.5}"#).partition(0);
    produce(&topic, [order()]);
    let mut ada = Sse::open(&daemon.sse(), "/v1/events?client=ada&from=earliest", &[]);
    assert_eq!(ada.events(1, LONG)[0].event.as_deref(), Some("order"));

    let dev = Dev::start(&author, &["--into", "millstream.toml"]);
    dev.wait_for("start: built");
    author.edit(
        "fixtures/orders.expected.jsonl",
        "\"type\":\"order\"",
        "\"type\":\"changed\"",
    );
    dev.wait_for("not live: not as expected");
    author.edit("src/lib.rs", "kind(\"order\")", "kind(\"changed\")");
    dev.wait_for("src/lib.rs: built");
    produce(&topic, [order()]);
    assert_eq!(ada.events(1, LONG)[0].event.as_deref(), Some("changed"));
    assert_eq!(daemon.terminate(), Some(0));

    // A daemon that does not use the project is not waited for.
    let other = toml.replace(&plugin, "bundled:notifications");
    author.write("other.toml", &other);
    let refused = author.run(&["dev", "--into", "other.toml"]).failed(1);
    assert!(
        refused.contains("no pipeline uses dist/orders.wasm"),
        "{refused}"
    );
}
