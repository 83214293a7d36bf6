//! Plugin files that are broken, at the start and while the daemon runs, and
//! the ways in which a good one goes live.

use millstream_tests::{
    Daemon, DaemonBuilder, Message, create_topic, get, guest, metrics, produce, servers, streams,
    unique, versioned, wait_until,
};
use serde_json::{Value, json};
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Not an expectation of speed: what is not there by then never comes.
const LONG: Duration = Duration::from_secs(120);
/// How long a start with a broken plugin may take: people wait for it.
const SECONDS: Duration = Duration::from_secs(20);

const ROUTE_ONLY: &str = "exports millstream:plugin/route@0.1.0; a transform plugin exports \
                          millstream:plugin/transform@0.1.0";

fn config(topic: &str, prefix: &str, transform: &str) -> String {
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    format!(
        r#"
[kafka]
bootstrap-servers = "{kafka}"
group-id = "{prefix}"
[store]
url = "{redis}"
key-prefix = "{prefix}"
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[plugins]
cache = "cache"
[[pipeline]]
name = "files"
topics = ["{topic}"]
transform = {{ {transform} }}
"#
    )
}

/// A daemon, and records that tell which version of its plugin is live.
struct Scene {
    topic: String,
    prefix: String,
    daemon: Daemon,
    sent: Cell<usize>,
}

impl Scene {
    fn new(transform: &str, files: impl FnOnce(DaemonBuilder) -> DaemonBuilder) -> Scene {
        let (topic, prefix) = (create_topic("files", 1), unique("files"));
        let builder = Daemon::builder(&config(&topic, &prefix, transform));
        let daemon = files(builder).start();
        daemon.wait_ready(LONG);
        Scene { topic, prefix, daemon, sent: Cell::new(0) }
    }

    /// Has the file `plugins/t.wasm`, at first `versioned("one")`.
    fn versioned() -> Scene {
        let one = versioned("one");
        let scene = Scene::new("plugin = \"plugins/t.wasm\"", |b| b.file("plugins/t.wasm", one));
        assert_eq!(scene.version(), "one");
        scene
    }

    fn file(&self) -> PathBuf {
        self.daemon.dir().join("plugins/t.wasm")
    }

    /// Sends one record, and reads which version made an event of it. It is
    /// there exactly once, behind all those before it.
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
        let events = entries.iter().map(|e| serde_json::from_str(&e.data).unwrap());
        let mut events: Vec<Value> = events.collect();
        let ids: Vec<_> = events.iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
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

    /// Does `change`; it must be refused for this reason, and `live` serves on.
    fn refused(&self, what: &str, says: &str, live: &str, change: impl FnOnce()) {
        let (refused, done) = (self.swaps("refused"), self.swaps("done"));
        let (began, known) = (Instant::now(), self.daemon.log().lines().len());
        change();
        wait_until(&format!("{what} is refused"), LONG, || {
            (self.swaps("refused") > refused).then_some(())
        });
        let line = wait_until(&format!("the log says {says:?}"), SECONDS, || {
            let lines = self.daemon.log().lines();
            lines[known..].iter().find(|line| line.contains(says)).cloned()
        });
        println!("{what}: {:?}: {line}", began.elapsed());
        let file = self.file().display().to_string();
        assert!(line.ends_with("runs on pipeline=\"files\""), "it is one line: {line}");
        for part in [" ERROR ", &*file, "the transform plugin", "pipeline=\"files\""] {
            assert!(line.contains(part), "{what}: {line:?} does not say {part:?}");
        }
        assert!(!line.contains("millstream: "), "the compiler's own words, as they are: {line}");
        assert_eq!(get(&self.daemon.admin(), "/readyz").status, 200, "{what}: it stays ready");
        assert_eq!(self.version(), live, "{what}");
        assert_eq!(self.swaps("done"), done, "{what}");
    }

    /// Does `change`; it must go live as this version.
    fn live(&self, what: &str, version: &str, change: impl FnOnce()) {
        let (done, generation) = (self.swaps("done"), self.generation());
        let began = Instant::now();
        change();
        wait_until(&format!("{what} goes live"), LONG, || {
            (self.swaps("done") > done).then_some(())
        });
        println!("{what}: live after {:?}", began.elapsed());
        assert_eq!(self.version(), version, "{what}");
        assert_eq!((self.swaps("done"), self.generation()), (done + 1.0, generation + 1.0));
    }
}

/// As `mv` and many editors do: beside it, then over it.
fn rename_over(path: &Path, content: &[u8]) {
    let aside = path.with_extension("new");
    fs::write(&aside, content).unwrap();
    fs::rename(&aside, path).unwrap();
}

/// A component that has a transform's export, and an import that nobody grants.
fn importing_component() -> Vec<u8> {
    let text = r#"(component
        (import "wasi:cli/environment@0.2.0" (instance
            (export "get-arguments" (func (result (list string))))))
        (instance $empty)
        (export "millstream:plugin/transform@0.1.0" (instance $empty)))"#;
    wat::parse_str(text).expect("it is a component")
}

/// A core module of the kind that other tools make.
fn importing_module() -> Vec<u8> {
    let text = r#"(module
        (import "env" "abort" (func))
        (memory (export "memory") 1)
        (func (export "run") call 0))"#;
    wat::parse_str(text).expect("it is a module")
}

/// A module whose metadata, from which a component is made, is noise.
fn module_with_noise() -> Vec<u8> {
    let section = [b"\x0ecomponent-type", &*noise(80)].concat();
    let mut module = importing_module();
    module.extend([0, u8::try_from(section.len()).unwrap()]);
    module.extend(section);
    module
}

/// A component of the right shape in name alone.
fn hollow_component() -> Vec<u8> {
    let text = r#"(component
        (instance $empty)
        (export "millstream:plugin/transform@0.1.0" (instance $empty)))"#;
    wat::parse_str(text).expect("it is a component")
}

/// An interface of a version that this host does not know.
fn other_interface() -> Vec<u8> {
    let text = r#"(component
        (instance $empty)
        (export "millstream:plugin/transform@0.0.9" (instance $empty)))"#;
    wat::parse_str(text).expect("it is a component")
}

/// Bytes without a pattern, the same in each run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn huge_file(path: &Path) {
    let aside = path.with_extension("new");
    fs::File::create(&aside).unwrap().set_len(100 << 20).unwrap();
    fs::rename(aside, path).unwrap();
}

/// Starts a daemon with this `plugins/t.wasm` (or none); it must say why it
/// does not run, soon, and exit with 1. It needs no server for that.
fn not_started(what: &str, wasm: Option<&[u8]>, plugin: &str, says: &str) {
    let config = format!(
        r#"
[kafka]
bootstrap-servers = "127.0.0.1:1"
[store]
url = "memory:"
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[plugins]
cache = "cache"
[[pipeline]]
name = "the-broken-one"
topics = ["t"]
transform = {{ {plugin} }}
"#
    );
    let builder = Daemon::builder(&config);
    let builder = match wasm {
        Some(wasm) => builder.file("plugins/t.wasm", wasm),
        None => builder,
    };
    let file = builder.dir().join("plugins/t.wasm").display().to_string();
    let began = Instant::now();
    let daemon = builder.start();
    assert_eq!(daemon.wait_exit(SECONDS), Some(1), "{what}");
    let took = began.elapsed();
    let line = daemon.log().tail(1);
    println!("{what}: {took:?}: {line}");
    let expected = format!("millstream: pipeline `the-broken-one`: the transform plugin {file}: ");
    for part in [&*expected, says] {
        assert!(line.contains(part), "{what}: {line:?} does not say {part:?}");
    }
    assert!(!line[12..].contains("millstream: "), "the compiler's own words, as they are: {line}");
}

#[test]
fn a_broken_plugin_keeps_the_daemon_from_starting_and_is_named() {
    let (one, plugin) = (versioned("one"), "plugin = \"plugins/t.wasm\"");
    let no = |what, wasm: Option<&[u8]>, says| not_started(what, wasm, plugin, says);
    no("missing", None, "can't open the file: No such file");
    no("empty", Some(b""), ": the file is empty");
    no("text", Some(b"(module)"), ": it is not WebAssembly");
    no("truncated", Some(&one[..one.len() / 2]), "unexpected end");
    no("wrong world", Some(&guest("per-client")), ROUTE_ONLY);
    no("older interface", Some(&other_interface()), "transform@0.0.9; a transform plugin exports");
    no("importing", Some(&importing_component()), "wasi:cli/environment@0.2.0");
    no("a module", Some(&importing_module()), "env");
    no("a module with noise", Some(&module_with_noise()), "t.wasm: ");
    no("hollow", Some(&hollow_component()), "configure");
    no("looping", Some(&versioned("loops")), "timeout");
    let refusing = "plugin = \"plugins/t.wasm\", config = { a = 1 }";
    not_started("refusing", Some(&one), refusing, "it refuses its configuration");
}

#[test]
fn a_broken_file_leaves_the_old_version_live_and_a_good_one_follows() {
    let scene = Scene::versioned();
    let (one, two) = (versioned("one"), versioned("two"));
    let file = scene.file();
    let write = |content: &[u8]| fs::write(&file, content).unwrap();
    let no = |what, says, content: &[u8]| scene.refused(what, says, "one", || write(content));
    no("truncated", "unexpected end", &two[..two.len() / 2]);
    no("empty", ": the file is empty", b"");
    no("wrong world", ROUTE_ONLY, &guest("per-client"));
    no("looping", "(timeout)", &versioned("loops"));
    no("random bytes", "it is not WebAssembly", &noise(50_000));
    no("random bytes behind a good head", "unexpected", &[b"\0asm\x01\0\0\0", &*noise(9999)].concat());
    scene.refused("100 MiB", "over 64 MiB", "one", || huge_file(&file));
    no("importing component", "wasi:cli/environment@0.2.0", &importing_component());
    no("importing module", "env", &importing_module());
    no("module with noise", "t.wasm: ", &module_with_noise());
    no("truncated component", "unexpected end", &importing_component()[..60]);
    no("hollow component", "configure", &hollow_component());
    no("older interface", "transform@0.0.9", &other_interface());
    scene.refused("missing", "can't open the file", "one", || fs::remove_file(&file).unwrap());
    assert_eq!((scene.swaps("done"), scene.generation()), (0.0, 1.0));
    scene.live("a good one at last", "two", || write(&two));
    scene.live("and back", "one", || write(&one));
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn a_file_goes_live_however_it_is_saved() {
    let scene = Scene::versioned();
    let (one, two) = (versioned("one"), versioned("two"));
    let (file, folder) = (scene.file(), scene.daemon.dir().join("plugins"));
    let away = scene.daemon.dir().join("away");
    scene.live("written", "two", || fs::write(&file, &two).unwrap());
    scene.live("renamed over", "one", || rename_over(&file, &one));
    let remove = || fs::remove_file(&file).unwrap();
    scene.refused("removed", "can't open the file", "one", remove);
    scene.live("created anew", "two", || fs::write(&file, &two).unwrap());
    scene.refused("the folder moved away", "can't open the file", "two", || {
        fs::rename(&folder, &away).unwrap();
    });
    scene.live("the folder put back", "one", || {
        fs::write(away.join("t.wasm"), &one).unwrap();
        fs::rename(&away, &folder).unwrap();
    });
    scene.live("written again in that folder", "two", || fs::write(&file, &two).unwrap());
    scene.refused("the folder removed", "can't open the file", "two", || {
        fs::remove_dir_all(&folder).unwrap();
    });
    scene.live("a folder made anew", "one", || {
        fs::create_dir(&folder).unwrap();
        fs::write(&file, &one).unwrap();
    });
    let saved = || {
        let mut writer = fs::File::create(&file).unwrap();
        for part in two.chunks(4096) {
            std::io::Write::write_all(&mut writer, part).unwrap();
        }
    };
    scene.live("written in many steps", "two", saved);
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn the_same_bytes_saved_again_swap_nothing() {
    let scene = Scene::versioned();
    let (one, file) = (versioned("one"), scene.file());
    for round in 1..=3 {
        fs::write(&file, &one).unwrap();
        rename_over(&file, &one);
        // Behind what the folder rang for: when this was read, the files were looked at.
        scene.daemon.hup();
        let read = || {
            let lines = scene.daemon.log().lines();
            lines.iter().filter(|line| line.contains("configuration was read again")).count()
        };
        wait_until("it was looked at", LONG, || (read() == round).then_some(()));
        assert_eq!(scene.version(), "one");
    }
    assert_eq!(scene.swaps("done") + scene.swaps("refused"), 0.0);
    // Whatever was still to come has come by now: one generation more, not two.
    scene.live("another", "two", || rename_over(&file, &versioned("two")));
    assert_eq!(scene.generation(), 2.0);
    assert_eq!(scene.swaps("refused"), 0.0);
}

#[test]
fn a_plugin_that_refuses_the_configuration_does_not_go_live() {
    let notifications = guest("notifications");
    let transform = r#"plugin = "plugins/t.wasm", config = { version = "7" }"#;
    let scene = Scene::new(transform, |b| b.file("plugins/t.wasm", &notifications));
    assert_eq!(scene.version(), "7");
    let file = scene.file();
    let says = "it refuses its configuration: ";
    scene.refused("another plugin", says, "7", || rename_over(&file, &versioned("one")));
    let reload = |transform: &str| {
        scene.daemon.set_config(&config(&scene.topic, &scene.prefix, transform));
        scene.daemon.hup();
    };
    rename_over(&file, &notifications);
    scene.refused("another configuration", "unknown field `verison`", "7", || {
        reload(r#"plugin = "plugins/t.wasm", config = { verison = "8" }"#);
    });
    scene.live("one that it takes", "8", || {
        reload(r#"plugin = "plugins/t.wasm", config = { version = "8" }"#);
    });
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn sighup_takes_the_plugins_tables_and_a_broken_configuration_changes_nothing() {
    let transform = |version: &str| {
        format!(r#"plugin = "bundled:notifications", config = {{ version = "{version}" }}"#)
    };
    let scene = Scene::new(&transform("1"), |builder| builder);
    assert_eq!(scene.version(), "1");
    let text = |version: &str| config(&scene.topic, &scene.prefix, &transform(version));
    let reload = |text: &str| {
        scene.daemon.set_config(text);
        scene.daemon.hup();
    };
    scene.live("a changed table", "2", || reload(&text("2")));
    let path = scene.daemon.dir().join("millstream.toml").display().to_string();
    let broken = [
        ("topics = [", "topcis = [", "did you mean `topics`?"),
        ("[plugins]", "[plugins", ""),
        ("bundled:notifications", "bundled:notification", "bundled:notifications"),
        ("group-id = ", "group-id = 7 #", "expected a string"),
    ];
    for (from, to, says) in broken {
        let text = text("3");
        let line = 1 + text[..text.find(from).unwrap()].matches('\n').count();
        reload(&text.replacen(from, to, 1));
        let logged = scene.daemon.wait_log(&format!("{path}:{line}: "), SECONDS);
        println!("{logged}");
        assert!(logged.contains(says) && logged.contains(" ERROR "), "{logged}");
        assert_eq!(get(&scene.daemon.admin(), "/readyz").status, 200);
        assert_eq!(scene.version(), "2");
    }
    assert_eq!((scene.swaps("done"), scene.swaps("refused")), (1.0, 0.0));
    scene.live("a good one again", "3", || reload(&text("3")));
    let other = r#"plugin = "plugins/t.wasm""#;
    fs::create_dir(scene.daemon.dir().join("plugins")).unwrap();
    fs::write(scene.file(), versioned("one")).unwrap();
    let other = config(&scene.topic, &scene.prefix, other);
    scene.live("another plugin", "one", || reload(&other));
    scene.live("whose file is watched", "two", || rename_over(&scene.file(), &versioned("two")));
    assert_eq!(scene.daemon.terminate(), Some(0));
}
