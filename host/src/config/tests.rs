use super::parse;
use crate::config::Role;
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

#[test]
fn a_short_configuration_has_good_defaults() {
    let settings = parse(Path::new("/etc/m.toml"), GOOD, Role::All).expect("it is good");
    let pipeline = &settings.pipelines[0];
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.admin.to_string(), "127.0.0.1:9090");
    assert_eq!(pipeline.group, "millstream");
    assert_eq!(pipeline.plugins.transform.source.name(), "bundled:by-field");
    assert_eq!(pipeline.plugins.route.source.name(), "bundled:per-client");
    assert_eq!(
        pipeline.plugins.dead_letter.source.name(),
        "bundled:retry-then-topic"
    );
}

#[test]
fn an_unknown_key_names_the_nearest() {
    refused(
        "topics =",
        "topcis =",
        8,
        &["unknown field `topcis`", "did you mean `topics`?"],
    );
    refused(
        "[store]",
        "[stroe]",
        4,
        &["unknown field `stroe`", "did you mean `store`?"],
    );
}

#[test]
fn a_wrong_value_says_what_was_expected() {
    refused("\"127.0.0.1:9092\"", "9092", 3, &["expected a string"]);
    refused(
        "\"127.0.0.1:9092\"",
        "\"localhost\"",
        3,
        &["expected host:port"],
    );
    refused(
        "redis://127.0.0.1:6379",
        "http://x",
        5,
        &["redis://", "memory:"],
    );
    refused("[\"notifications\"]", "[]", 8, &["at least one topic"]);
    refused(
        "[\"notifications\"]",
        "[\"a b\"]",
        8,
        &["`a b` is no topic"],
    );
    refused(
        "name = \"notifications\"",
        "name = \"\"",
        7,
        &["is no name"],
    );
}

#[test]
fn a_value_of_another_kind_is_told_how_it_is_written() {
    let name = "name = \"notifications\"";
    for (line, says) in [
        (
            "transform = \"bundled:by-field\"",
            "expected { plugin = \"...\" }",
        ),
        (
            "retry = { max-attempts = -1 }",
            "expected a whole number from 0",
        ),
        ("workers = -1", "expected a whole number, 0 or more"),
        ("replays = \"yes\"", "expected true or false"),
        ("batch = 7", "expected a table"),
        ("start = 7", "expected a string"),
    ] {
        refused(name, &format!("{name}\n{line}"), 8, &[says]);
    }
    let list = "expected a list, such as [\"orders\"]";
    refused("[\"notifications\"]", "\"notifications\"", 8, &[list]);
    for (value, says) in [
        ("6000", "expected a string, in quotes"),
        ("true", "expected a string, in quotes"),
        ("0.5", "expected a string, in quotes"),
    ] {
        let properties = format!("[kafka.properties]\n\"session.timeout.ms\" = {value}\n[store]");
        refused("[store]", &properties, 5, &[says]);
    }
    let tasks = "[tasks]\nrequest-topic = \"t\"\nrate = 10\n[store]";
    refused("[store]", tasks, 6, &["expected { per-second = "]);
    refused("[auth]", "[auth]\nkey = 7", 10, &["expected [[auth.key]]"]);
}

#[test]
fn pipelines_in_one_bracket_or_misspelt_are_told_how_they_are_written() {
    let one = &["expected [[pipeline]]"][..];
    refused("[[pipeline]]", "[pipeline]", 6, one);
    let misspelt = [one[0], "did you mean `pipeline` by `pipelines` in line 6?"];
    let transform = "[pipeline.transform]\nplugin = \"bundled:by-field\"\n[auth]";
    let text = GOOD.replace("[auth]", transform);
    let text = text.replace("[[pipeline]]", "[[pipelines]]");
    let error = parse(Path::new("m.toml"), &text, Role::All).err();
    let error = error.expect("no pipeline").to_string();
    assert!(misspelt.iter().all(|part| error.contains(part)), "{error}");
}

#[test]
fn a_missing_key_is_named() {
    refused(
        "topics = [\"notifications\"]",
        "",
        6,
        &["missing field `topics`"],
    );
    refused(
        "[[pipeline]]\nname = \"notifications\"\ntopics = [\"notifications\"]",
        "",
        9,
        &["[[pipeline]]"],
    );
}

#[test]
fn kafka_properties_are_checked_by_librdkafka_itself() {
    let with = |property: &str| format!("[kafka.properties]\n{property}\n[store]");
    refused(
        "[store]",
        &with("\"sesion.timeout.ms\" = \"1\""),
        5,
        &["sesion.timeout.ms"],
    );
    refused(
        "[store]",
        &with("\"session.timeout.ms\" = \"x\""),
        5,
        &["session.timeout.ms"],
    );
    refused(
        "[store]",
        &with("\"enable.auto.commit\" = \"true\""),
        5,
        &["the ledger says"],
    );
}

#[test]
fn an_unknown_bundled_plugin_names_those_there_are() {
    let transform = "name = \"n\"\ntransform = { plugin = \"bundled:notification\" }";
    refused(
        "name = \"notifications\"",
        transform,
        8,
        &["did you mean `bundled:notifications`?"],
    );
}

#[test]
fn nobody_listens_beyond_loopback_by_accident() {
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

#[test]
fn an_address_to_listen_at_is_loopback_unless_it_says_more() {
    for (listen, address) in [
        (":8414", "127.0.0.1:8414"),
        ("localhost:8414", "127.0.0.1:8414"),
        ("LOCALHOST:8414", "127.0.0.1:8414"),
        ("[::1]:8414", "[::1]:8414"),
        ("127.0.0.2:8414", "127.0.0.2:8414"),
    ] {
        let tables = format!("[http]\nlisten = {listen:?}\n[admin]\nlisten = {listen:?}\n[store]");
        let text = GOOD.replace("[store]", &tables);
        let settings =
            parse(Path::new("m.toml"), &text, Role::All).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(settings.http.listen.to_string(), address);
        assert_eq!(settings.admin.to_string(), address);
    }
    for wrong in [
        "",
        ":",
        "localhost",
        "localhost:",
        ":x",
        ":65536",
        "8414",
        "here:80",
        ":::80",
        "::1",
    ] {
        let table = format!("[http]\nlisten = {wrong:?}\n[store]");
        refused("[store]", &table, 5, &["invalid address", "localhost:8080"]);
    }
}

#[test]
fn an_unset_variable_is_named_and_a_secret_is_not() {
    let url = "redis://u:${MILLSTREAM_NO_SUCH_VARIABLE}@x";
    refused(
        "redis://127.0.0.1:6379",
        url,
        5,
        &["`MILLSTREAM_NO_SUCH_VARIABLE` is not set"],
    );
    let text = GOOD.replace("127.0.0.1:6379", "user:hunter2@host:notaport");
    let error = parse(Path::new("m.toml"), &text, Role::All)
        .err()
        .expect("no port")
        .to_string();
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn two_pipelines_do_not_share_a_topic_in_one_group() {
    let second = "\n[[pipeline]]\nname = \"b\"\ntopics = [\"notifications\"]\n";
    let text = format!("{GOOD}{second}");
    let error = parse(Path::new("m.toml"), &text, Role::All)
        .err()
        .expect("shared")
        .to_string();
    assert!(error.contains("group-id of its own"), "{error}");
    let text = format!("{GOOD}{second}group-id = \"other\"\n");
    assert!(parse(Path::new("m.toml"), &text, Role::All).is_ok());
}

#[test]
fn tls_to_the_store_needs_its_scheme_and_whole_pairs() {
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
    let settings = parse(Path::new("/etc/m.toml"), &text, Role::All).expect("it is good");
    let tls = settings.store.tls.expect("it is there");
    assert_eq!(tls.ca.as_deref(), Some(Path::new("/etc/ca.pem")));
    let client = ("/c.pem".into(), "/etc/k.pem".into());
    assert_eq!(tls.client, Some(client));
}
