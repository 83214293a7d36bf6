//! `rediss://`, a login, and certificates of both sides.

use super::{LONG, wait_told};
use millstream_tests::{Daemon, Message, SecuredRedis, Sse, config, produce, servers, unique};
use std::sync::LazyLock;

static SERVER: LazyLock<SecuredRedis> = LazyLock::new(|| servers().own_redis_secured());

/// A pipeline to that Redis, with this password and these TLS settings.
fn pipeline(topic: &str, prefix: &str, password: &str, tls: &str) -> String {
    let url = SERVER.url(password);
    let text = config(
        &servers().kafka.bootstrap(),
        &url,
        topic,
        prefix,
        "name = \"notes\"",
    );
    match tls {
        "" => text,
        tls => text.replacen("[store]", &format!("[store]\ntls = {{ {tls} }}"), 1),
    }
}

/// The certificates of the server and of the client.
fn good() -> String {
    let SecuredRedis {
        ca,
        certificate,
        key,
        ..
    } = &*SERVER;
    format!(
        "ca = {:?}, certificate = {:?}, key = {:?}",
        ca.display().to_string(),
        certificate.display().to_string(),
        key.display().to_string()
    )
}

#[test]
fn events_are_stored_and_read_over_tls_also_after_a_restart() {
    let server = servers().own_redis_secured();
    let (topic, prefix) = (
        servers().kafka.create_topic("secured", 1),
        unique("secured"),
    );
    let url = server.url(server.password);
    let text = config(
        &servers().kafka.bootstrap(),
        &url,
        &topic,
        &prefix,
        "name = \"notes\"",
    );
    // Only the system's setting for trusted certificates, and the client's certificate and key.
    let pair = format!(
        "[store]\ntls = {{ certificate = {:?}, key = {:?} }}",
        server.certificate.display().to_string(),
        server.key.display().to_string()
    );
    let daemon = Daemon::builder(&text.replacen("[store]", &pair, 1))
        .env("SSL_CERT_FILE", &server.ca.display().to_string())
        .start();
    daemon.wait_ready(LONG);
    let mut stream = Sse::open(&daemon.sse(), "/v1/events?client=ada&from=now", &[]);
    stream.next(LONG).expect("an opening frame");
    produce(&topic, [Message::new("one").key("ada")]);
    assert_eq!(stream.events(1, LONG)[0].data.as_deref(), Some("one"));
    server.redis.kill();
    daemon.wait_not_ready(&["store"], LONG);
    server.redis.start();
    daemon.wait_ready(LONG);
    produce(&topic, [Message::new("two").key("ada")]);
    loop {
        let event = stream.next_event(LONG).expect("the later event");
        match event.data.as_deref() {
            Some("two") => break,
            // Redis kept nothing: the first record may be processed again, and the client gets a
            // gap.
            _ => println!("{event:?}"),
        }
    }
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_password_with_special_characters_logs_in() {
    let (server, user) = (&servers().redis, unique("user"));
    let printable: String = (' '..='~').chain("\u{e9}\u{20ac}".chars()).collect();
    let mut acl = redis::cmd("ACL");
    acl.arg("SETUSER")
        .arg(&user)
        .arg("on")
        .arg(format!(">{printable}"));
    acl.arg(&["~*", "&*", "+@all"])
        .exec(&mut server.connect())
        .unwrap();
    let quoted = serde_json::to_string(&printable).unwrap();
    let daemon = Daemon::builder(&format!(
        r#"
[store]
url = "{}"
username = "${{WHO}}"
password = {quoted}
key-prefix = "{user}"
[http]
listen = "127.0.0.1:0"
[auth]
anonymous = true
[admin]
listen = "127.0.0.1:0"
"#,
        server.url()
    ))
    .env("WHO", &user)
    .role("edge")
    .start();
    daemon.wait_ready(LONG);
    let clients: String = redis::cmd("CLIENT")
        .arg("LIST")
        .query(&mut server.connect())
        .unwrap();
    assert!(clients.contains(&format!("user={user} ")), "{clients}");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_failed_login_is_reported_without_the_password() {
    let (topic, prefix) = (
        servers().kafka.create_topic("secured", 1),
        unique("secured"),
    );
    let ca = format!("ca = {:?}", SERVER.ca.display().to_string());
    for (password, tls, words) in [
        (
            "hunter2",
            good(),
            &[
                "the store does not answer",
                "Password authentication failed",
            ][..],
        ),
        // The system's trusted certificates did not sign it.
        (
            SERVER.password,
            String::new(),
            &["the store does not answer", "UnknownIssuer"],
        ),
        (
            SERVER.password,
            ca,
            &["the store does not answer", "CertificateRequired"],
        ),
    ] {
        let daemon = Daemon::builder(&pipeline(&topic, &prefix, password, &tls)).start();
        let told = wait_told(&daemon, words);
        assert!(!told.contains(password), "{told}");
        assert_eq!(daemon.terminate(), Some(0));
        let log = daemon.log().lines().join("\n");
        assert!(!log.contains(password), "{log}");
    }
    // After all the failures, a configuration that can log in.
    let daemon = Daemon::ready(&pipeline(&topic, &prefix, SERVER.password, &good()));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn missing_or_invalid_certificate_files_are_reported_at_start() {
    let key = SERVER.key.display().to_string();
    for (tls, says) in [
        ("ca = \"no.pem\"".to_owned(), "no.pem: No such file"),
        (format!("ca = {key:?}"), "contains no PEM CERTIFICATE"),
        (
            format!(
                "certificate = {:?}, key = {:?}",
                SERVER.ca.display().to_string(),
                SERVER.ca.display().to_string()
            ),
            "contains no PEM PRIVATE KEY",
        ),
    ] {
        let text = pipeline("none", "none", SERVER.password, &tls);
        let daemon = Daemon::builder(&text).start();
        assert_eq!(daemon.wait_exit(LONG), Some(64));
        let log = daemon.log().lines().join("\n");
        println!("{log}");
        assert!(log.contains(says) && log.contains("[store] tls: "), "{log}");
        assert!(!log.contains(SERVER.password), "{log}");
    }
}
