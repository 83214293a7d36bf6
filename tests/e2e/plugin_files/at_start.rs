//! A daemon with a broken plugin does not start, and reports why.

use super::crafted::{
    hollow_component, importing_component, importing_module, module_with_noise, other_interface,
};
use super::special_files::fifo;
use super::{ROUTE_ONLY, SECONDS, USAGE};
use millstream_tests::{Daemon, guest, versioned};
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Starts a daemon with this `plugins/t.wasm` (or none). It must soon report why it does not run
/// and exit with 64, since its configuration names the plugin. `config check` must report the same.
/// Neither needs a server for that.
fn not_started(what: &str, wasm: Option<&[u8]>, plugin: &str, says: &str) {
    let put = |file: &Path| {
        if let Some(wasm) = wasm {
            fs::write(file, wasm).unwrap();
        }
    };
    not_started_with(what, put, plugin, says);
}

fn not_started_with(what: &str, put: impl FnOnce(&Path), plugin: &str, says: &str) {
    let config = format!(
        r#"
[kafka]
bootstrap-servers = "127.0.0.1:1"
[store]
url = "memory:"
[http]
listen = "127.0.0.1:0"
[auth]
anonymous = true
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
    let file = builder.dir().join("plugins/t.wasm");
    fs::create_dir(builder.dir().join("plugins")).unwrap();
    put(&file);
    let file = file.display().to_string();
    let began = Instant::now();
    let daemon = builder.start();
    assert_eq!(daemon.wait_exit(SECONDS), Some(USAGE), "{what}");
    let took = began.elapsed();
    let line = daemon.log().tail(1);
    println!("{what}: {took:?}: {line}");
    let expected = format!(
        "millstream: {}: pipeline `the-broken-one`: the transform plugin {file}: ",
        daemon.dir().join("millstream.toml").display()
    );
    for part in [&*expected, says] {
        assert!(
            line.contains(part),
            "{what}: {line:?} does not contain {part:?}"
        );
    }
    let checked = daemon.command(&["config", "check"]);
    assert_eq!(checked.status.code(), Some(USAGE), "{what}");
    assert_eq!(String::from_utf8_lossy(&checked.stderr).trim_end(), line);
    assert!(
        !line[12..].contains("millstream: "),
        "the compiler's message, unchanged: {line}"
    );
}

#[test]
fn a_broken_plugin_keeps_the_daemon_from_starting_and_is_named() {
    let (one, plugin) = (versioned("one"), "plugin = \"plugins/t.wasm\"");
    let no = |what, wasm: Option<&[u8]>, says| not_started(what, wasm, plugin, says);
    no("missing", None, "can't open the file: No such file");
    no("empty", Some(b""), ": the file is empty");
    no("text", Some(b"(module)"), ": the file is not WebAssembly");
    no("truncated", Some(&one[..one.len() / 2]), "unexpected end");
    no("wrong world", Some(&guest("per-client")), ROUTE_ONLY);
    no(
        "older interface",
        Some(&other_interface()),
        "transform@0.0.9; a transform plugin must export",
    );
    no(
        "importing",
        Some(&importing_component()),
        "wasi:cli/environment@0.2.0",
    );
    no("a module", Some(&importing_module()), "env");
    no(
        "a module with noise",
        Some(&module_with_noise()),
        "t.wasm: ",
    );
    no("hollow", Some(&hollow_component()), "configure");
    no("looping", Some(&versioned("loops")), "timeout");
    let fifo_says = "the file is a FIFO, not a regular file";
    not_started_with("a FIFO", fifo, plugin, fifo_says);
    let refusing = "plugin = \"plugins/t.wasm\", config = { a = 1 }";
    not_started(
        "refusing",
        Some(&one),
        refusing,
        "it refused its configuration",
    );
}
