//! `[auth]` and `[http]`.

use super::tests::{GOOD, refused};
use super::{Settings, parse};
use crate::auth::{Algorithm, AuthSettings, Jwks, SecretEncoding, SecretSettings, TokenSettings};
use crate::config::Role;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ANONYMOUS: &str = "[auth]\nanonymous = true\n";

/// A good configuration with this instead of `[auth]`.
fn with(tables: &str) -> String {
    GOOD.replace(ANONYMOUS, tables)
}

#[track_caller]
fn good(tables: &str) -> Settings {
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

fn is_anonymous(tables: &str) -> bool {
    matches!(good(tables).auth, AuthSettings::Anonymous)
}

#[test]
fn nobody_is_anonymous_who_did_not_ask_for_it() {
    let ways = &["[[auth.key]]", "jwks", "anonymous = true"];
    bad("", 9, ways);
    bad("[http]\n", 9, ways);
    bad("[http]\nlisten = \"127.0.0.1:1\"\n", 10, ways);
    bad("[auth]\n", 9, ways);
    bad("[auth]\nanonymous = false\n", 10, ways);
    bad("[auth]\nissuer = \"x\"\n", 10, ways);
    assert!(is_anonymous(ANONYMOUS));
    assert!(is_anonymous("[http]\nallow-unauthenticated = true\n"));
    let beyond = "[http]\nlisten = \"0.0.0.0:1\"\n";
    let allowed = format!("{beyond}allow-unauthenticated = true\n");
    assert!(is_anonymous(&allowed));
    assert!(is_anonymous(&format!("{allowed}{ANONYMOUS}")));
    bad(beyond, 10, ways);
    let both = format!("{beyond}{ANONYMOUS}");
    bad(&both, 10, &["allow-unauthenticated = true"]);
    // With tokens, any address will do.
    tokens(&format!("{beyond}[auth]\njwks = \"k\"\n"));
}

#[test]
fn tokens_and_anonymous_are_not_both() {
    for (line, name) in [
        ("jwks = \"keys.json\"", "`jwks`"),
        ("issuer = \"x\"", "`issuer`"),
        ("cookie = \"__Secure-x\"", "`cookie`"),
        ("[[auth.key]]\nalgorithm = \"HS256\"\nfile = \"f\"", "`key`"),
    ] {
        let at = 11 + usize::from(name == "`key`");
        bad(&format!("{ANONYMOUS}{line}\n"), at, &["anonymous", name]);
        let allowed = format!("[http]\nallow-unauthenticated = true\n[auth]\n{line}\n");
        bad(&allowed, at + 1, &["allow-unauthenticated", name]);
    }
}

#[test]
fn tokens_have_good_defaults() {
    let tokens = tokens("[auth]\njwks = \"keys.json\"\n");
    let Some(Jwks::File(file)) = tokens.jwks else {
        panic!("a file");
    };
    assert_eq!(file, Path::new("/etc/keys.json"));
    assert!(tokens.require_expiry && tokens.keys.is_empty());
    assert_eq!(tokens.leeway, Duration::from_secs(30));
    assert_eq!(tokens.client_claim, "sub");
    assert_eq!(tokens.groups_claim, "groups");
    assert_eq!(tokens.services_claim, "millstream_clients");
    assert_eq!(tokens.cookie, "__Secure-millstream");
}

#[test]
fn everything_of_tokens_can_be_said() {
    let tokens = tokens(
        r#"
[auth]
jwks = "/keys.json"
issuer = "https://issuer.example"
audience = ["a", "b"]
leeway = "0s"
require-expiry = false
max-token-life = "12h"
client-claim = "https://example.com/client"
groups-claim = "roles"
services-claim = "reads"
cookie = "__Host-session"
[[auth.key]]
algorithm = "HS256"
file = "secret"
encoding = "base64"
[[auth.key]]
algorithm = "EdDSA"
file = "key.pem"
id = "2026-11"
"#,
    );
    assert_eq!(tokens.issuers, ["https://issuer.example"]);
    assert_eq!(tokens.audiences, ["a", "b"]);
    assert!(!tokens.require_expiry && tokens.leeway.is_zero());
    assert_eq!(tokens.max_life, Some(Duration::from_hours(12)));
    assert_eq!(tokens.client_claim, "https://example.com/client");
    assert_eq!(tokens.cookie, "__Host-session");
    let [secret, key] = &tokens.keys[..] else {
        panic!("two keys");
    };
    assert_eq!(secret.algorithm, Algorithm::Hs256);
    assert_eq!(secret.encoding, SecretEncoding::Base64);
    assert_eq!(secret.file, Path::new("/etc/secret"));
    assert_eq!(key.algorithm, Algorithm::EdDsa);
    assert_eq!(key.id.as_deref(), Some("2026-11"));
}

#[test]
fn what_is_wrong_with_auth_is_named() {
    let auth = |line: &str| format!("[auth]\njwks = \"k\"\n{line}\n");
    for (line, says) in [
        ("isuer = \"x\"", "did you mean `issuer`?"),
        ("issuer = []", "at least one"),
        ("issuer = \"\"", "none of them empty"),
        ("issuer = 7", "a string or a list of strings"),
        ("audience = [7]", "expected a string"),
        ("leeway = \"1h\"", "expected a time from 0s to 10m"),
        ("leeway = \"1500ms\"", "whole seconds"),
        ("max-token-life = \"1s\"", "expected a time from 1m"),
        ("max-token-life = \"60500ms\"", "whole seconds"),
        ("client-claim = \"\"", "1 to 256 bytes"),
        (
            "cookie = \"millstream\"",
            "begins with __Secure- or __Host-",
        ),
        ("cookie = \"__Secure-\"", "is no name"),
        ("cookie = \"__Secure-a b\"", "is no name"),
        ("cookie = \"__Secure-a=b\"", "is no name"),
    ] {
        bad(&auth(line), 11, &[says]);
    }
    let key = |lines: &str| format!("[[auth.key]]\n{lines}\n");
    for (lines, line, says) in [
        (
            "algorithm = \"RS257\"\nfile = \"f\"",
            10,
            "did you mean `RS256`?",
        ),
        (
            "algorithm = \"none\"\nfile = \"f\"",
            10,
            "unknown variant `none`",
        ),
        ("algorithm = \"RS256\"", 9, "missing field `file`"),
        (
            "algorithm = \"RS256\"\nfile = \"f\"\nencoding = \"raw\"",
            12,
            "HS256 secret",
        ),
        (
            "algorithm = \"HS256\"\nfile = \"f\"\nencoding = \"hex\"",
            12,
            "`base64`",
        ),
        (
            "algorithm = \"HS256\"\nfile = \"f\"\nid = \"\"",
            12,
            "key id",
        ),
        (
            "algorithm = \"HS256\"\nfile = \"f\"\nkid = \"x\"",
            12,
            "did you mean `id`?",
        ),
    ] {
        bad(&key(lines), line, &[says]);
    }
}

#[test]
fn the_listener_has_good_defaults() {
    let http = good(ANONYMOUS).http;
    let s = Duration::from_secs;
    let times = [
        http.heartbeat,
        http.retry,
        http.write_timeout,
        http.header_timeout,
        http.drain,
    ];
    assert_eq!(times, [s(15), s(2), s(20), s(10), s(3)]);
    assert_eq!(
        (http.max_connections, http.max_connections_per_address),
        (None, None)
    );
    assert_eq!((http.max_connections_per_client, http.max_groups), (32, 16));
    assert_eq!(http.max_queued, 256 << 20);
    assert!(http.tls.is_none() && http.presence_topic.is_none() && http.cors_origins.is_empty());
}

#[test]
fn everything_of_the_listener_can_be_said() {
    let http = format!(
        "{ANONYMOUS}{}",
        r#"
[http]
cors-origins = ["https://app.example.com", "http://localhost:3000"]
heartbeat = "1s"
retry = "100ms"
write-timeout = "10m"
header-timeout = "1s"
drain = "0s"
max-connections = 1000
max-connections-per-client = 1
max-connections-per-address = 5
max-queued = "1GiB"
max-groups = 0
presence-topic = "presence"
tls = { certificate = "cert.pem", key = "/keys/key.pem" }
"#
    );
    let http = good(&http).http;
    assert_eq!(
        http.cors_origins,
        ["https://app.example.com", "http://localhost:3000"]
    );
    assert_eq!(
        (http.retry, http.drain),
        (Duration::from_millis(100), Duration::ZERO)
    );
    assert_eq!(
        (http.max_connections, http.max_connections_per_address),
        (Some(1000), Some(5))
    );
    assert_eq!(http.presence_topic.as_deref(), Some("presence"));
    let tls = http.tls.expect("it is there");
    assert_eq!(tls.certificate, Path::new("/etc/cert.pem"));
    assert_eq!(tls.key, Path::new("/keys/key.pem"));
}

#[test]
fn what_is_wrong_with_the_listener_is_named() {
    for (line, says) in [
        ("cors-origins = [\"*\"]", "visitor's cookie"),
        (
            "cors-origins = [\"https://app.example.com/\"]",
            "has no path",
        ),
        (
            "cors-origins = \"https://app.example.com\"",
            "expected a list, such as [",
        ),
        ("heartbeat = \"0s\"", "expected a time from 1s to 5m"),
        ("heartbeat = \"6m\"", "expected a time from 1s to 5m"),
        ("heartbeat = 15", "expected a time such as \"15s\""),
        ("retry = \"99ms\"", "expected a time from 100ms to 1m"),
        ("write-timeout = \"11m\"", "expected a time from 1s to 10m"),
        ("header-timeout = \"0s\"", "expected a time from 1s to 1m"),
        ("drain = \"1h\"", "expected a time from 0s to 5m"),
        ("max-connections = 0", "expected a number from 1"),
        ("max-connections-per-client = 0", "expected a number from 1"),
        ("max-queued = \"1KiB\"", "expected from 1024KiB"),
        ("max-queued = 7", "expected an amount such as \"64MiB\""),
        ("tls = true", "expected { certificate = "),
        ("max-groups = 65", "expected a number from 0 to 64"),
        ("presence-topic = \"a b\"", "`a b` is no topic"),
        ("tls = { certificate = \"c\" }", "missing field `key`"),
        (
            "tls = { cert = \"c\", key = \"k\" }",
            "unknown field `cert`",
        ),
        ("hartbeat = \"1s\"", "did you mean `heartbeat`?"),
    ] {
        bad(&format!("{ANONYMOUS}[http]\n{line}\n"), 12, &[says]);
    }
}

#[test]
fn the_admin_token_is_long_and_in_one_place() {
    let admin = |lines: &str| {
        let text = format!("{GOOD}\n[admin]\n{lines}\n");
        let settings = parse(Path::new("/etc/m.toml"), &text, Role::All);
        settings.map(|s| s.admin_token).map_err(|e| e.to_string())
    };
    assert!(matches!(admin(""), Ok(None)));
    let long = "0123456789abcdef";
    let given = admin(&format!("token = \"{long}\""));
    assert!(matches!(given, Ok(Some(SecretSettings::Given(token))) if token == long));
    let file = admin("token-file = \"secret\"");
    let path = PathBuf::from("/etc/secret");
    assert!(matches!(file, Ok(Some(SecretSettings::File(file))) if file == path));
    for wrong in ["", &long[1..], "0123456789 abcdef", "0123456789abcd\u{e9}f"] {
        let error = admin(&format!("token = \"{wrong}\"")).err().expect(wrong);
        assert!(error.contains("at least 16 characters"), "{error}");
        assert!(wrong.is_empty() || !error.contains(wrong), "{error}");
    }
    let both = admin(&format!("token = \"{long}\"\ntoken-file = \"secret\"")).err();
    assert!(both.expect("both").contains("either token or token-file"));
}
