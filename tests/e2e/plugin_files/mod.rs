//! Broken plugin files, at the start and while the daemon runs, and the ways in which a good one
//! goes live.

mod at_start;
mod bomb;
mod broken;
mod configured;
mod crafted;
mod crowded;
mod fallback;
mod reload;
mod saved;
mod special_files;

use millstream_tests::{
    Daemon, DaemonBuilder, Message, create_topic, get, metrics, produce, servers, streams, unique,
    versioned, wait_until,
};
use serde_json::{Value, json};
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A time-out for things that happen eventually, not an expectation of speed.
const LONG: Duration = Duration::from_secs(120);
/// How long a start with a broken plugin may take until it fails.
const SECONDS: Duration = Duration::from_secs(20);
/// The exit code for an invalid configuration.
const USAGE: i32 = 64;

const ROUTE_ONLY: &str = "exports millstream:plugin/route@0.1.0; a transform plugin must export \
                          millstream:plugin/transform@0.1.0";

fn config(topic: &str, prefix: &str, transform: &str) -> String {
    config_with(topic, prefix, (transform, "", ""))
}

/// With lines of the pipeline, and lines after those of `[plugins]`.
fn config_with(
    topic: &str,
    prefix: &str,
    (transform, pipeline, plugins): (&str, &str, &str),
) -> String {
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let rest = format!(
        r#"
name = "files"
transform = {{ {transform} }}
{pipeline}
[plugins]
cache = "cache"
{plugins}
"#
    );
    millstream_tests::config(&kafka, &redis, topic, prefix, &rest)
}

/// A daemon, and records that show which version of its plugin is live.
struct Scene {
    topic: String,
    prefix: String,
    daemon: Daemon,
    sent: Cell<usize>,
}

impl Scene {
    fn new(transform: &str, files: impl FnOnce(DaemonBuilder) -> DaemonBuilder) -> Scene {
        Self::started((transform, "", ""), files)
    }

    /// With the plugin `plugins/t.wasm`, lines of the pipeline, and lines after those of
    /// `[plugins]`.
    fn with(
        pipeline: &str,
        plugins: &str,
        files: impl FnOnce(DaemonBuilder) -> DaemonBuilder,
    ) -> Scene {
        Self::started(("plugin = \"plugins/t.wasm\"", pipeline, plugins), files)
    }

    fn started(
        lines: (&str, &str, &str),
        files: impl FnOnce(DaemonBuilder) -> DaemonBuilder,
    ) -> Scene {
        let (topic, prefix) = (create_topic("files", 1), unique("files"));
        let builder = Daemon::builder(&config_with(&topic, &prefix, lines));
        let daemon = files(builder).start();
        daemon.wait_ready(LONG);
        Scene {
            topic,
            prefix,
            daemon,
            sent: Cell::new(0),
        }
    }

    /// Has the file `plugins/t.wasm`, at first `versioned("one")`.
    fn versioned() -> Scene {
        let one = versioned("one");
        let scene = Scene::new("plugin = \"plugins/t.wasm\"", |b| {
            b.file("plugins/t.wasm", one)
        });
        assert_eq!(scene.version(), "one");
        scene
    }

    fn file(&self) -> PathBuf {
        self.daemon.dir().join("plugins/t.wasm")
    }

    /// Sends one record and returns the version in its event. The event must be there exactly once,
    /// after all earlier ones.
    fn version(&self) -> Value {
        let number = self.sent.get();
        self.sent.set(number + 1);
        let value = json!({
            "eventId": number.to_string(), "clientId": "c", "eventType": "t", "message": "m"
        });
        produce(&self.topic, [Message::new(value.to_string())]);
        let entries = wait_until("the record's event is stored", LONG, || {
            let entries = streams(&self.prefix).remove("c")?;
            (entries.len() > number).then_some(entries)
        });
        let events = entries
            .iter()
            .map(|e| serde_json::from_str(&e.data).unwrap());
        let mut events: Vec<Value> = events.collect();
        let ids: Vec<_> = events
            .iter()
            .map(|e| e["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ids, (0..=number).map(|n| n.to_string()).collect::<Vec<_>>());
        events.remove(number)["version"].take()
    }

    fn swaps(&self, result: &str) -> f64 {
        let labels = [&*format!("result=\"{result}\""), "pipeline=\"files\""];
        metrics(&self.daemon.admin()).sum("millstream_swaps_total", &labels)
    }

    fn generation(&self) -> f64 {
        let labels = ["kind=\"transform\"", "pipeline=\"files\""];
        metrics(&self.daemon.admin()).sum("millstream_plugin_generation", &labels)
    }

    /// Makes `change`, which must be refused for this reason while `live` keeps serving.
    fn refused(&self, what: &str, says: &str, live: &str, change: impl FnOnce()) {
        let (refused, done) = (self.swaps("refused"), self.swaps("done"));
        let (began, known) = (Instant::now(), self.daemon.log().lines().len());
        change();
        wait_until(&format!("{what} is refused"), LONG, || {
            (self.swaps("refused") > refused).then_some(())
        });
        let line = wait_until(&format!("the log contains {says:?}"), SECONDS, || {
            let lines = self.daemon.log().lines();
            lines[known..]
                .iter()
                .find(|line| line.contains(says))
                .cloned()
        });
        println!("{what}: {:?}: {line}", began.elapsed());
        let file = self.file().display().to_string();
        assert!(
            line.contains("; keeping the current plugins (generation ")
                && line.ends_with(") pipeline=\"files\""),
            "not one line: {line}"
        );
        for part in [
            " ERROR ",
            &*file,
            "the transform plugin",
            "pipeline=\"files\"",
        ] {
            assert!(
                line.contains(part),
                "{what}: {line:?} does not contain {part:?}"
            );
        }
        assert!(
            !line.contains("millstream: "),
            "the compiler's message, unchanged: {line}"
        );
        assert_eq!(
            get(&self.daemon.admin(), "/readyz").status,
            200,
            "{what}: it stays ready"
        );
        assert_eq!(self.version(), live, "{what}");
        assert_eq!(self.swaps("done"), done, "{what}");
    }

    /// Makes `change`, which must go live as this version.
    fn live(&self, what: &str, version: &str, change: impl FnOnce()) {
        let (done, generation) = (self.swaps("done"), self.generation());
        let began = Instant::now();
        change();
        wait_until(&format!("{what} goes live"), LONG, || {
            (self.swaps("done") > done).then_some(())
        });
        println!("{what}: live after {:?}", began.elapsed());
        assert_eq!(self.version(), version, "{what}");
        assert_eq!(
            (self.swaps("done"), self.generation()),
            (done + 1.0, generation + 1.0)
        );
    }
}

/// As `mv` and many editors do: writes a file beside it and renames it.
fn rename_over(path: &Path, content: &[u8]) {
    let aside = path.with_extension("new");
    fs::write(&aside, content).unwrap();
    fs::rename(&aside, path).unwrap();
}
