//! `[auth] jwks` with a URL.

use crate::auth::Jwks;
use crate::config::fixture::{bad, tokens};
use std::path::Path;
use std::time::Duration;

#[test]
fn jwks_may_be_the_url_of_an_issuer() {
    let source = |lines: &str| match tokens(&format!("[auth]\n{lines}\n")).jwks {
        Some(Jwks::Url(source)) => source,
        other => panic!("{other:?}"),
    };
    let address = "jwks = \"https://issuer.example/keys\"";
    let default = source(address);
    assert_eq!(default.address.to_string(), "https://issuer.example/keys");
    assert_eq!(
        (default.ca, default.cooldown),
        (None, Duration::from_secs(10))
    );
    assert_eq!(default.max_age, Duration::from_secs(3600));
    let all =
        format!("{address}\njwks-ca = \"ca.pem\"\njwks-cooldown = \"1m\"\njwks-max-age = \"1d\"");
    let all = source(&all);
    assert_eq!(all.ca.as_deref(), Some(Path::new("/etc/ca.pem")));
    assert_eq!(all.cooldown, Duration::from_secs(60));
    assert_eq!(all.max_age, Duration::from_secs(86_400));
    source("jwks = \"http://127.0.0.1:8081/keys\"");
}

#[test]
fn errors_in_the_url_name_the_cause() {
    let at = |address: &str, rest: &str| format!("[auth]\njwks = \"{address}\"\n{rest}\n");
    let https = "https://issuer.example/keys";
    for (text, line, says) in [
        (at("http://issuer.example/keys", ""), 10, "use https://"),
        (
            at("https://a:hunter2@issuer.example", ""),
            10,
            "user or a password",
        ),
        (at("ftp://issuer.example", ""), 10, "expected https://"),
        (
            at("keys.json", "jwks-ca = \"ca.pem\""),
            11,
            "needs jwks = \"https://",
        ),
        (
            at("keys.json", "jwks-max-age = \"1h\""),
            11,
            "needs jwks = \"https://",
        ),
        (
            at("http://[::1]/keys", "jwks-ca = \"c\""),
            11,
            "needs jwks = \"https://",
        ),
        (
            at(https, "jwks-cooldown = \"1h\""),
            11,
            "expected a time from 100ms to 10m",
        ),
        (
            at(https, "jwks-max-age = \"1s\""),
            11,
            "expected a time from 10s to 1d",
        ),
        ("[auth]\njwks-ca = \"c\"\n".into(), 10, "[auth] has no key"),
    ] {
        bad(&text, line, &[says]);
    }
}
