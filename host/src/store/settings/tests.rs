//! The login for Redis is the intended one, or an error says why not.

use super::{Login, StoreUrl};
use proptest::prelude::*;

/// The address, user and password that are used.
type Used = (String, Option<String>, Option<String>);

fn used(url: &str, username: Option<&str>, password: Option<&str>) -> Result<Used, String> {
    let login = Login {
        username: username.map(String::from),
        password: password.map(String::from),
    };
    let StoreUrl::Redis(client) = StoreUrl::with_login(url, login)? else {
        panic!("in memory");
    };
    let info = client.get_connection_info();
    let text = |text: Option<&str>| text.map(String::from);
    let redis = info.redis_settings();
    Ok((
        info.addr().to_string(),
        text(redis.username()),
        text(redis.password()),
    ))
}

fn good(user: Option<&str>, password: Option<&str>) -> Used {
    let text = |text: Option<&str>| text.map(String::from);
    ("127.0.0.1:6379".into(), text(user), text(password))
}

const BARE: &str = "redis://127.0.0.1:6379";

#[test]
fn a_login_is_in_the_url_or_beside_it() {
    let (ada, secret) = (Some("ada"), Some("a/b#c?d%e@f"));
    for (url, username, password, is) in [
        (BARE, None, None, good(None, None)),
        (
            "redis://ada:x@127.0.0.1:6379/3",
            None,
            None,
            good(ada, Some("x")),
        ),
        (
            "redis://:x@127.0.0.1:6379",
            None,
            None,
            good(None, Some("x")),
        ),
        (
            "redis://ada:%2F%23@127.0.0.1:6379",
            None,
            None,
            good(ada, Some("/#")),
        ),
        (BARE, ada, secret, good(ada, secret)),
        (BARE, None, secret, good(None, secret)),
        (
            "redis://ada@127.0.0.1:6379",
            None,
            secret,
            good(ada, secret),
        ),
        ("redis://:x@127.0.0.1:6379", ada, None, good(ada, Some("x"))),
    ] {
        assert_eq!(used(url, username, password), Ok(is), "{url}");
    }
}

#[test]
fn a_login_that_would_use_another_user_is_rejected_without_showing_a_password() {
    let (ada, secret) = (Some("ada"), Some("hunter2"));
    for (url, username, password, says) in [
        ("redis://ada@127.0.0.1", None, None, "connect as `default`"),
        ("redis://ada:@127.0.0.1", None, None, "connect as `default`"),
        (BARE, ada, None, "connect as `default`"),
        (
            "redis://:@127.0.0.1",
            None,
            None,
            "password in the url is empty",
        ),
        (
            "redis://@127.0.0.1",
            None,
            None,
            "password in the url is empty",
        ),
        (
            "redis://ada:x@127.0.0.1",
            ada,
            None,
            "url contains a username",
        ),
        (
            "redis://ada:x@127.0.0.1",
            None,
            secret,
            "url contains a password",
        ),
        ("memory:", None, secret, "memory: takes no username"),
        (
            "redis://ada:hunter2/x@127.0.0.1",
            None,
            None,
            "`[store] username` and `password`",
        ),
        // Would connect to the host `ada`, port 12.
        (
            "redis://ada:12#hunter2@127.0.0.1",
            None,
            None,
            "`[store] username` and `password`",
        ),
        (
            "redis://ada:12?hunter2@127.0.0.1",
            None,
            None,
            "`[store] username` and `password`",
        ),
        ("redis://ada:hunter2%@127.0.0.1", None, None, "contains %"),
        ("redis://ada:hunter2%zz@127.0.0.1", None, None, "contains %"),
    ] {
        let error = used(url, username, password).expect_err(url);
        assert!(error.contains(says), "{url}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_password_beside_the_url_is_used(password in "[ -~¡-ÿ€]{1,40}") {
        prop_assert_eq!(used(BARE, Some("ada"), Some(&password)), Ok(good(Some("ada"), Some(&password))));
    }

    /// A password in the URL is used as it is or rejected: never another password
    /// or host.
    #[test]
    fn a_password_in_the_url_is_used_or_rejected(password in "[!-~]{1,20}") {
        let encoded = password.as_bytes().windows(3).any(|three| {
            three[0] == b'%' && three[1..].iter().all(u8::is_ascii_hexdigit)
        });
        prop_assume!(!encoded);
        match used(&format!("redis://ada:{password}@127.0.0.1:6379"), None, None) {
            Ok(used) => prop_assert_eq!(used, good(Some("ada"), Some(&password))),
            Err(error) => prop_assert!(error.contains("`[store] username` and `password`"), "{}", error),
        }
    }
}
