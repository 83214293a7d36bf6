//! Tests for all tables.

use super::fixture::{GOOD, refused};
use super::{Role, parse};
use std::path::Path;

#[test]
fn a_short_configuration_has_good_defaults() {
    let settings = parse(Path::new("/etc/m.toml"), GOOD, Role::All).expect("valid");
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
        &["invalid topic `a b`"],
    );
    refused(
        "name = \"notifications\"",
        "name = \"\"",
        7,
        &["invalid name ``"],
    );
}

#[test]
fn a_value_of_the_wrong_type_says_how_to_write_it() {
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
fn a_wrong_or_misspelt_pipeline_table_says_how_to_write_it() {
    let one = &["expected [[pipeline]]"][..];
    refused("[[pipeline]]", "[pipeline]", 6, one);
    let misspelt = [
        one[0],
        "did you mean `pipeline` instead of `pipelines` in line 6?",
    ];
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
fn an_unset_variable_is_named_and_a_secret_is_hidden() {
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
