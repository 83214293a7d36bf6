mod published_keys;

use crate::auth::{Algorithm, AuthSettings, Jwks, SecretEncoding};
use crate::config::fixture::{ANONYMOUS, GOOD, bad, good, refused, tokens};
use crate::config::{Role, parse};
use std::path::Path;
use std::time::Duration;

fn is_anonymous(tables: &str) -> bool {
    matches!(good(tables).auth, AuthSettings::Anonymous)
}

#[test]
fn anonymous_access_must_be_configured() {
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
    // With tokens, any address is accepted.
    tokens(&format!("{beyond}[auth]\njwks = \"k\"\n"));
}

#[test]
fn tokens_and_anonymous_exclude_each_other() {
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
fn every_key_for_tokens_is_read() {
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
fn errors_in_auth_name_the_cause() {
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
            "must begin with __Secure- or __Host-",
        ),
        ("cookie = \"__Secure-\"", "invalid cookie name `__Secure-`"),
        ("cookie = \"__Secure-a b\"", "invalid cookie name"),
        ("cookie = \"__Secure-a=b\"", "invalid cookie name"),
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
fn listening_beyond_loopback_must_be_configured() {
    let http = "[http]\nlisten = \"0.0.0.0:8080\"\n[store]";
    refused("[store]", http, 5, &["allow-unauthenticated = true"]);
    let on_purpose = "[http]\nlisten = \"0.0.0.0:8080\"\nallow-unauthenticated = true\n[store]";
    assert!(
        parse(
            Path::new("m.toml"),
            &GOOD.replace("[store]", on_purpose),
            Role::All
        )
        .is_ok()
    );
}
