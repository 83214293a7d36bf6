//! A good configuration, and what is wrong with others.

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

/// Replaces `from` by `to` in a good configuration; the error must be `line`'s
/// and say all of `says`.
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

/// A good configuration with this instead of `[auth]`.
fn with(tables: &str) -> String {
    GOOD.replace(ANONYMOUS, tables)
}

#[track_caller]
pub(super) fn good(tables: &str) -> Settings {
    parse(Path::new("/etc/m.toml"), &with(tables), Role::All).unwrap_or_else(|e| panic!("{e}"))
}

/// These instead of `[auth]`, whose first line is line 9; the error is `line`'s.
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
