//! Passwords appear in no output.

use super::configs::{check, good};
use super::{LONG, SECONDS, USAGE};
use millstream_tests::{Daemon, get, scratch_dir, servers, wait_until};

#[test]
fn secrets_are_never_printed() {
    const SECRETS: [&str; 4] = ["hunter2", "correct-horse", "battery-staple", "77100412345"];
    let path = scratch_dir("config").join("millstream.toml");
    let server = servers().own_redis(&[]);
    let redis = |password: &str| {
        let url = server.url();
        url.replace("redis://", &format!("redis://user:{password}@"))
    };
    let sasl = format!(
        "\"security.protocol\" = \"SASL_PLAINTEXT\"\n\"sasl.mechanism\" = \"PLAIN\"\n\
         \"sasl.username\" = \"user\"\n\"sasl.password\" = \"{}\"\n[store]",
        SECRETS[1]
    );
    let kafka = servers().kafka.bootstrap();
    let text = good("127.0.0.1:0")
        .replace("redis://127.0.0.1:1", &redis(SECRETS[0]))
        .replace("127.0.0.1:1\"", &format!("{kafka}\""))
        .replacen("[store]", &sasl, 1);
    let told = |what: &str, text: &str| {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{what} contains a secret: {text}");
        }
    };

    // Both servers refuse the login; everything is logged.
    let daemon = Daemon::builder(&text).env("RUST_LOG", "trace").start();
    let admin = daemon.admin();
    let why = wait_until("both servers refuse the login", LONG, || {
        let text = get(&admin, "/readyz").text();
        let both = ["the store does not answer: ", "consumer group yet: "];
        both.iter().all(|part| text.contains(part)).then_some(text)
    });
    println!("{why}");
    told("/readyz", &why);
    // Then Redis accepts the login.
    let user = ["SETUSER", "user", "on", ">hunter2", "~*", "&*", "+@all"];
    redis::cmd("ACL")
        .arg(&user)
        .exec(&mut server.connect())
        .unwrap();
    let why = wait_until("Redis accepts the login", LONG, || {
        let text = get(&admin, "/readyz").text();
        (!text.contains("the store does not answer: ")).then_some(text)
    });
    told("/readyz", &why);
    told("/metrics", &get(&admin, "/metrics").text());
    daemon.hup();
    daemon.wait_log("configuration reloaded", SECONDS);
    assert_eq!(daemon.terminate(), Some(0));
    told("the log", &daemon.log().lines().join("\n"));

    // Configuration errors must not print secrets either.
    let broken = [
        (
            redis(SECRETS[0]),
            format!("{}/not-a-number", redis(SECRETS[0])),
        ),
        (
            redis(SECRETS[0]),
            redis(SECRETS[0]).replace("redis://", "reddis://"),
        ),
        (redis(SECRETS[0]), "redis://user:hunter2@:port:".into()),
        ("\"sasl.password\"".into(), "\"sasl.pasword\"".into()),
        ("\"SASL_PLAINTEXT\"".into(), "\"battery-staple\"".into()),
        ("\"6000\"".into(), "\"battery-staple\"".into()),
        (
            "sasl.password\" = \"".into(),
            "sasl.password\" = \"\"\"".into(),
        ),
        ("url = \"".into(), "url = ".into()),
        (
            "sasl.password\" = \"correct-horse\"".into(),
            "sasl.password\" = [\"correct-horse\"]".into(),
        ),
        (
            "sasl.password\" = \"correct-horse\"".into(),
            "sasl.password\" = 77100412345".into(),
        ),
        (
            "sasl.password\" = \"correct-horse\"".into(),
            "sasl.password\" = 77100412345.5".into(),
        ),
    ];
    for (from, to) in broken {
        assert!(text.contains(&from), "{from}");
        std::fs::write(&path, text.replacen(&from, &to, 1)).unwrap();
        let output = check(&path);
        let error = String::from_utf8(output.stderr).unwrap();
        println!("{}", error.trim_end());
        assert_eq!(output.status.code(), Some(USAGE), "{to}: {error}");
        told(&to, &error);
    }
}
