//! Configurations and arguments.

use super::{SECONDS, USAGE};
use millstream_tests::{Daemon, scratch_dir, wait_until};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A valid configuration that can be checked without a server.
pub fn good(listen: &str) -> String {
    format!(
        r#"
[kafka]
bootstrap-servers = "127.0.0.1:1"
[kafka.properties]
"session.timeout.ms" = "6000"
[store]
url = "redis://127.0.0.1:1"
retention = {{ max-events = 1000, max-age = "24h" }}
[http]
listen = "{listen}"
[auth]
anonymous = true
[admin]
listen = "127.0.0.1:0"
[[pipeline]]
name = "p"
topics = ["t"]
deliver = "always"
transform = {{ plugin = "bundled:notifications", limits = {{ memory = "64MiB" }} }}
"#
    )
}

/// Edits that break a valid configuration, and what the error must contain.
const BROKEN: [(&str, &str, &str); 22] = [
    ("[kafka]\n", "[kafak]\n", "did you mean `kafka`?"),
    (
        "bootstrap-servers",
        "bootstrap-server",
        "did you mean `bootstrap-servers`?",
    ),
    ("\"127.0.0.1:1\"", "\"127.0.0.1\"", "expected host:port"),
    (
        "session.timeout.ms\" =",
        "session.timeout\" =",
        "session.timeout",
    ),
    (
        "session.timeout.ms\" =",
        "enable.auto.commit\" =",
        "Millstream sets this property itself",
    ),
    (
        "redis://127.0.0.1:1",
        "postgres://x",
        "expected redis://host:port",
    ),
    (
        "max-events = 1000",
        "max-event = 1000",
        "did you mean `max-events`?",
    ),
    (
        "max-events = 1000",
        "max-events = 0",
        "expected a number from 1 to",
    ),
    ("\"24h\"", "\"24 hours\"", "use 500ms, 30s, 5m, 24h or 7d"),
    (
        "[admin]\nlisten",
        "[admin]\nlistne",
        "did you mean `listen`?",
    ),
    (
        "\"127.0.0.1:0\"",
        "\"localhost\"",
        "invalid address `localhost`: use 127.0.0.1:8080",
    ),
    ("name = \"p\"", "nmae = \"p\"", "did you mean `name`?"),
    (
        "topics = [\"t\"]",
        "topics = [\"a/b\"]",
        "invalid topic `a/b`",
    ),
    ("topics = [\"t\"]", "topics = \"t\"", "expected"),
    ("\"always\"", "\"allways\"", "did you mean `always`?"),
    (
        "bundled:notifications",
        "bundled:notification",
        "did you mean `bundled:notifications`?",
    ),
    ("{ memory = ", "{ memroy = ", "did you mean `memory`?"),
    ("\"64MiB\"", "\"64MB\"", "use 512KiB or 64MiB"),
    (
        "\"64MiB\"",
        "\"${MILLSTREAM_NO_SUCH}\"",
        "MILLSTREAM_NO_SUCH",
    ),
    ("anonymous", "anonymus", "did you mean `anonymous`?"),
    ("= true", "= false", "[auth] has no key"),
    (
        "anonymous = true",
        "cookie = \"token\"\njwks = \"keys.json\"",
        "__Secure- or __Host-",
    ),
];

/// `millstream config check`.
pub fn check(path: &PathBuf) -> Output {
    let mut command = Command::new(Daemon::program());
    command.args(["config", "check", "-c"]).arg(path);
    command.output().unwrap()
}

#[test]
fn configuration_errors_give_the_line_and_the_nearest_name() {
    let path = scratch_dir("config").join("millstream.toml");
    for (from, to, says) in BROKEN {
        let text = good("127.0.0.1:0");
        // The line of the first character that differs is where the error points.
        let same = from
            .chars()
            .zip(to.chars())
            .take_while(|(a, b)| a == b)
            .count();
        let at = text.find(from).expect(from) + same;
        let line = 1 + text[..at].matches('\n').count();
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let output = check(&path);
        let told = String::from_utf8(output.stderr).unwrap();
        println!("{}", told.trim_end());
        assert_eq!(output.status.code(), Some(USAGE), "{to}: {told}");
        assert_eq!(output.stdout, b"", "{to}");
        let place = format!("millstream: {}:{line}: ", path.display());
        assert!(
            told.starts_with(&place),
            "{to}: {told:?} does not start with {place:?}"
        );
        assert!(
            told.contains(says),
            "{to}: {told:?} does not contain {says:?}"
        );
        assert_eq!(told.trim_end().lines().count(), 1, "{to}: {told}");
    }
}

#[test]
fn configuration_errors_are_reported_before_a_port_is_bound() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    for (from, to, says) in [BROKEN[6], BROKEN[12], BROKEN[15]] {
        let daemon = Daemon::builder(&good(&listen).replacen(from, to, 1)).start();
        assert_eq!(daemon.wait_exit(SECONDS), Some(USAGE), "{to}");
        wait_until("its log ends", SECONDS, || {
            daemon.log().has_ended().then_some(())
        });
        let lines = daemon.log().lines();
        assert!(
            lines.len() == 1 && lines[0].contains(says),
            "{to}: {lines:?}"
        );
        assert!(lines[0].contains("millstream.toml:"), "{lines:?}");
    }
    drop(taken);
}

#[test]
fn a_valid_configuration_passes_without_contacting_any_server() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = scratch_dir("config").join("millstream.toml");
    std::fs::write(&path, good(&taken.local_addr().unwrap().to_string())).unwrap();
    let output = check(&path);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        told,
        format!(
            "{}: valid: 1 pipeline (also checked: files and plugins; not checked: connections)\n",
            path.display()
        )
    );
    assert_eq!(output.stderr, b"");
}

#[test]
fn wrong_arguments_and_a_missing_file_are_usage_errors() {
    let missing = scratch_dir("config").join("none.toml");
    let output = check(&missing);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(USAGE));
    let place = format!("millstream: {}: ", missing.display());
    assert!(
        told.starts_with(&place) && told.contains("No such file"),
        "{told}"
    );
    for arguments in [&["rnu"][..], &["run", "--confg", "x"], &[]] {
        let output = Command::new(Daemon::program())
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(USAGE), "{arguments:?}");
        assert_eq!(output.stdout, b"", "{arguments:?}");
        assert_ne!(output.stderr, b"", "{arguments:?}");
    }
    for arguments in [["--help"], ["--version"]] {
        let output = Command::new(Daemon::program())
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_ne!(output.stdout, b"", "{arguments:?}");
    }
}

#[test]
fn an_address_in_use_is_reported() {
    for which in ["[http]\nlisten = ", "[admin]\nlisten = "] {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let free = format!("{which}\"127.0.0.1:0\"");
        let text = good("127.0.0.1:0");
        assert!(text.contains(&free));
        let text = text.replacen(&free, &format!("{which}\"{address}\""), 1);
        let daemon = Daemon::builder(&text).start();
        assert_eq!(daemon.wait_exit(SECONDS), Some(1), "{which}");
        wait_until("its log ends", SECONDS, || {
            daemon.log().has_ended().then_some(())
        });
        let last = daemon.log().tail(1);
        println!("{last}");
        for part in ["millstream: ", &*address, "in use"] {
            assert!(last.contains(part), "{last:?} does not contain {part:?}");
        }
    }
}
