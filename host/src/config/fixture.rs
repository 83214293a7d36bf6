//! A valid configuration for tests, and helpers for invalid ones.

use super::{Role, Settings, parse};
use crate::auth::{AuthSettings, TokenSettings};
use std::path::Path;

pub(super) const GOOD: &str = r#"
[kafka]
bootstrap-servers = "127.0.0.1:9092"
[store]
url = "redis://127.0.0.1:6379"
[[pipeline]]
name = "notifications"
topics = ["notifications"]
[auth]
anonymous = true
"#;

/// Replaces `from` by `to` in a valid configuration. The error must be at `line`
/// and contain all of `says`.
#[track_caller]
pub(super) fn refused(from: &str, to: &str, line: usize, says: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    let text = GOOD.replacen(from, to, 1);
    let error = match parse(Path::new("m.toml"), &text, Role::All) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error.to_string(),
    };
    assert!(error.starts_with(&format!("m.toml:{line}: ")), "{error}");
    for part in says {
        assert!(error.contains(part), "{error:?} does not say {part:?}");
    }
}

pub(super) const ANONYMOUS: &str = "[auth]\nanonymous = true\n";

/// A valid configuration with these tables instead of `[auth]`.
fn with(tables: &str) -> String {
    GOOD.replace(ANONYMOUS, tables)
}

#[track_caller]
pub(super) fn good(tables: &str) -> Settings {
    parse(Path::new("/etc/m.toml"), &with(tables), Role::All).unwrap_or_else(|e| panic!("{e}"))
}

/// Puts these tables in place of `[auth]`, which begins at line 9; the error must be at `line`.
#[track_caller]
pub(super) fn bad(tables: &str, line: usize, says: &[&str]) {
    refused(ANONYMOUS, tables, line, says);
}

#[track_caller]
pub(super) fn tokens(tables: &str) -> TokenSettings {
    match good(tables).auth {
        AuthSettings::Tokens(tokens) => *tokens,
        AuthSettings::Anonymous => panic!("anonymous: {tables}"),
    }
}
