//! Any configuration text is accepted or refused with an error. A panic would end
//! a daemon that reloads it.

use super::{Role, parse};
use proptest::collection::vec;
use proptest::prelude::*;
use std::path::Path;

/// A valid configuration with values of every kind.
const FULL: &str = r#"
[kafka]
bootstrap-servers = "127.0.0.1:9092"
group-id = "g"
[kafka.properties]
"security.protocol" = "plaintext"
[store]
url = "redis://user:pass@127.0.0.1:6379/2"
key-prefix = "m"
retention = { max-events = 1000, max-age = "24h", idle-expiry = "72h" }
[http]
listen = "127.0.0.1:8080"
heartbeat = "15s"
retry = "2s"
max-queued = "256MiB"
cors-origins = ["https://example.org"]
[admin]
listen = "127.0.0.1:9090"
[auth]
anonymous = true
[plugins]
cache = "cache"
[tasks]
request-topic = "tasks"
timeout = "1h"
rate = { per-second = 1.5, burst = 10 }
[[pipeline]]
name = "p"
topics = ["a", "b"]
workers = 2
batch = { max-records = 512, max-bytes = "1MiB" }
breaker = { action = "halt", max-failures = 0.5 }
transform = { plugin = "bundled:by-field", config = { client = "c" }, limits = { memory = "64MiB" } }
"#;

/// A replacement for a value or for a part of one.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[-0-9.eE_]{1,25}",
        "[0-9]{1,21}(ms|s|m|h|d|KiB|MiB|GiB|)",
        "\"[^\"\\\\]{0,20}\"",
        "\\PC{0,20}",
        "[\\[\\]{}=,.\"'#$\n]{1,6}",
        Just("\"${HOME}\"".to_owned()),
        Just("\"${\"".to_owned()),
        Just("\"$\"".to_owned()),
        Just("\"::1\"".to_owned()),
        Just("\"é💡\"".to_owned()),
    ]
}

/// [`FULL`] with pieces replaced: position, length, replacement.
fn changed(changes: &[(usize, usize, String)]) -> String {
    let mut text = FULL.to_owned();
    for (at, length, piece) in changes {
        let boundary = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at));
        let from = boundary(at % text.len()).unwrap_or_default();
        let to = boundary((from + length).min(text.len())).unwrap_or(from);
        text.replace_range(from..to.max(from), piece);
    }
    text
}

/// [`FULL`] with the value of one line replaced.
fn with_value(line: usize, value: &str) -> String {
    let lines: Vec<&str> = FULL.lines().collect();
    let at = line % lines.len();
    let replaced = |(index, line): (usize, &&str)| match line.split_once(" = ") {
        Some((key, _)) if index == at => format!("{key} = {value}"),
        _ => (*line).to_owned(),
    };
    let all: Vec<String> = lines.iter().enumerate().map(replaced).collect();
    all.join("\n")
}

fn accepted_or_refused(text: &str) -> Result<(), TestCaseError> {
    for role in [Role::All, Role::Edge] {
        if let Err(error) = parse(Path::new("/etc/m.toml"), text, role) {
            prop_assert!(error.to_string().starts_with("/etc/m.toml"), "{error}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text(text: String) {
        accepted_or_refused(&text)?;
    }

    #[test]
    fn a_valid_configuration_with_pieces_replaced(
        changes in vec((any::<usize>(), 0..20_usize, piece()), 1..4),
    ) {
        accepted_or_refused(&changed(&changes))?;
    }

    #[test]
    fn a_valid_configuration_with_another_value(line: usize, value in piece()) {
        accepted_or_refused(&with_value(line, &value))?;
    }
}

#[test]
fn the_unchanged_configuration_is_valid() {
    parse(Path::new("/etc/m.toml"), FULL, Role::All).expect("valid");
}
