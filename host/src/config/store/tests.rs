use crate::config::fixture::{GOOD, refused};
use crate::config::{Role, parse};
use crate::store::StoreUrl;
use std::path::Path;

const URL: &str = "url = \"redis://127.0.0.1:6379\"";

#[test]
fn a_login_may_be_given_beside_the_url() {
    let with = format!("{URL}\nusername = \"ada\"\npassword = 'a/b#c?d%e'");
    let text = GOOD.replacen(URL, &with, 1);
    let settings = parse(Path::new("m.toml"), &text, Role::All).expect("valid");
    let StoreUrl::Redis(client) = settings.store.url else {
        panic!("in memory");
    };
    let login = client.get_connection_info().redis_settings();
    assert_eq!(
        (login.username(), login.password()),
        (Some("ada"), Some("a/b#c?d%e"))
    );
}

#[test]
fn errors_in_a_login_name_the_cause() {
    let with = |lines: &str| format!("{URL}\n{lines}");
    for (lines, line, says) in [
        ("username = \"ada\"", 5, "connect as `default`"),
        ("password = \"\"", 6, "`password` is empty"),
        (
            "username = \"\"\npassword = \"x\"",
            6,
            "`username` is empty",
        ),
        ("usrname = \"ada\"", 6, "did you mean `username`?"),
        ("password = 7", 6, "expected a string, in quotes"),
    ] {
        refused(URL, &with(lines), line, &[says]);
    }
    let user = "url = \"redis://ada@127.0.0.1:6379\"";
    refused(
        URL,
        user,
        5,
        &["connect as `default`", "`[store] password`"],
    );
}

#[test]
fn tls_to_the_store_needs_rediss_and_complete_pairs() {
    let redis = "url = \"redis://127.0.0.1:6379\"";
    let with =
        |scheme: &str, tls: &str| format!("url = \"{scheme}://127.0.0.1:6379\"\ntls = {tls}");
    for (scheme, tls, says) in [
        (
            "redis",
            "{ ca = \"ca.pem\" }",
            "a url that begins with rediss://",
        ),
        (
            "rediss",
            "{ certificate = \"c.pem\" }",
            "`certificate` needs its `key`",
        ),
        (
            "rediss",
            "{ key = \"k.pem\" }",
            "`key` needs its `certificate`",
        ),
        ("rediss", "{ cas = \"ca.pem\" }", "did you mean `ca`?"),
    ] {
        refused(redis, &with(scheme, tls), 6, &[says]);
    }
    let tls = with(
        "rediss",
        "{ ca = \"ca.pem\", certificate = \"/c.pem\", key = \"k.pem\" }",
    );
    let text = GOOD.replacen(redis, &tls, 1);
    let settings = parse(Path::new("/etc/m.toml"), &text, Role::All).expect("valid");
    let tls = settings.store.tls.expect("tls");
    assert_eq!(tls.ca.as_deref(), Some(Path::new("/etc/ca.pem")));
    let client = ("/c.pem".into(), "/etc/k.pem".into());
    assert_eq!(tls.client, Some(client));
}
