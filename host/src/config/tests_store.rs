//! `[store] username` and `password`.

use super::tests::{GOOD, refused};
use super::{Role, parse};
use crate::store::StoreUrl;
use std::path::Path;

const URL: &str = "url = \"redis://127.0.0.1:6379\"";

#[test]
fn a_login_may_stand_beside_the_url() {
    let with = format!("{URL}\nusername = \"ada\"\npassword = 'a/b#c?d%e'");
    let text = GOOD.replacen(URL, &with, 1);
    let settings = parse(Path::new("m.toml"), &text, Role::All).expect("it is good");
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
fn what_is_wrong_with_a_login_is_named() {
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
