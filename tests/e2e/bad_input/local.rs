//! Files that a configuration names: `config check` reads the files that `run` would, contacts no
//! server, and reports the same errors.

use super::configs::good;
use super::{SECONDS, USAGE};
use millstream_tests::{Certificate, Daemon, wait_until};

/// The error for a valid configuration with `from` replaced by `to`. Beside it are `cert.pem` and
/// `key.pem`, which belong together, and `other.pem`, another certificate's key.
fn told(from: &str, to: &str) -> String {
    let text = good("127.0.0.1:0");
    assert!(text.contains(from), "{from}");
    let (one, other) = (Certificate::new(), Certificate::new());
    let daemon = Daemon::builder(&text.replacen(from, to, 1))
        .file("cert.pem", one.certificate)
        .file("key.pem", one.key)
        .file("other.pem", other.key)
        .file("text", "hunter2 hunter2 hunter2 hunter2 hunter2")
        .start();
    assert_eq!(daemon.wait_exit(SECONDS), Some(USAGE), "{to}");
    wait_until("its log ends", SECONDS, || {
        daemon.log().has_ended().then_some(())
    });
    let run = daemon.log().tail(1);
    let checked = daemon.command(&["config", "check"]);
    let check = String::from_utf8(checked.stderr).unwrap();
    println!("{check}");
    assert_eq!(checked.status.code(), Some(USAGE), "{to}: {check}");
    assert_eq!(checked.stdout, b"", "{to}");
    assert_eq!(check.lines().last(), Some(&*run), "{to}");
    assert!(!check.contains("hunter2"), "{check}");
    let file = daemon.dir().join("millstream.toml");
    let place = format!("millstream: {}: ", file.display());
    assert!(
        run.starts_with(&place),
        "{run:?} does not start with {place:?}"
    );
    run
}

#[test]
fn plugins_are_loaded_and_tested() {
    let plugin = "plugin = \"bundled:notifications\"";
    for (to, says) in [
        (
            "plugin = \"no.wasm\"",
            "no.wasm: can't open the file: No such file",
        ),
        ("plugin = \"text\"", "the file is not WebAssembly"),
        (
            "plugin = \"bundled:by-type\"",
            "a transform plugin must export",
        ),
        (
            "plugin = \"bundled:by-field\", config = { clinet = \"/id\" }",
            "it refused its configuration: ",
        ),
    ] {
        let told = told(plugin, to);
        assert!(
            told.contains("pipeline `p`: the transform plugin"),
            "{told}"
        );
        assert!(told.contains(says), "{told:?} does not contain {says:?}");
    }
}

#[test]
fn keys_and_certificates_are_read() {
    let (auth, http, store) = (
        "anonymous = true",
        "[http]",
        "url = \"redis://127.0.0.1:1\"",
    );
    let key = |file: &str| format!("[[auth.key]]\nalgorithm = \"RS256\"\nfile = {file:?}");
    let tls = |key: &str| format!("[http]\ntls = {{ certificate = \"cert.pem\", key = {key:?} }}");
    let ssl = |ca: &str| format!("\"security.protocol\" = \"SSL\"\n\"ssl.ca.location\" = {ca:?}\n");
    let redis = |key: &str| {
        let url = "url = \"rediss://127.0.0.1:1\"";
        format!("{url}\ntls = {{ certificate = \"cert.pem\", key = {key:?} }}")
    };
    for (from, to, says) in [
        (auth, key("no.pem"), "no.pem"),
        (auth, key("text"), "text"),
        (auth, key("key.pem"), "key.pem"),
        (auth, "jwks = \"text\"".into(), "JSON"),
        (
            auth,
            "jwks = \"https://127.0.0.1:1\"\njwks-ca = \"no.pem\"".into(),
            "no.pem",
        ),
        (
            auth,
            "jwks = \"https://127.0.0.1:1\"\njwks-ca = \"key.pem\"".into(),
            "no certificate",
        ),
        (http, tls("no.pem"), "no.pem"),
        (http, tls("other.pem"), "cert.pem"),
        (http, tls("text"), "no private key"),
        (store, redis("no.pem"), "no.pem"),
    ] {
        let told = told(from, &to);
        assert!(told.contains(says), "{told:?} does not contain {says:?}");
    }
    // All paths are relative to the configuration file, except those that librdkafka reads.
    let told_of = |from, to: &str, says| {
        let told = told(from, to);
        assert!(told.contains(says), "{told:?} does not contain {says:?}");
    };
    let session = "\"session.timeout.ms\" = \"6000\"\n";
    told_of(
        session,
        &ssl("/no/such/ca.pem"),
        "[kafka.properties]: ssl.ca.location",
    );
    told_of(store, &redis("other.pem"), "[store] tls: ");
}

#[test]
fn a_valid_configuration_passes_without_contacting_the_issuer() {
    let one = Certificate::new();
    let text = good("127.0.0.1:0").replace(
        "anonymous = true",
        "jwks = \"https://127.0.0.1:1/keys\"\njwks-ca = \"cert.pem\"\nissuer = \"i\"\naudience = \"a\"",
    );
    let daemon = Daemon::builder(&text)
        .file("cert.pem", one.certificate)
        .start();
    let checked = daemon.command(&["config", "check"]);
    assert_eq!(checked.status.code(), Some(0));
    assert_eq!(checked.stderr, b"");
}
