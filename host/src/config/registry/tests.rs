use crate::config::fixture::GOOD;
use crate::config::{Role, parse};
use crate::fetch::ServerLogin;
use crate::pipeline::DecodeBy;
use crate::schema::{SchemaChoice, SchemaFile};
use std::path::Path;

/// The configuration with these lines in its pipeline, and then these tables.
fn with(pipeline: &str, tables: &str) -> String {
    format!("{GOOD}\n[[pipeline]]\nname = \"decoded\"\ntopics = [\"t\"]\n{pipeline}\n{tables}\n")
}

fn refused(pipeline: &str, tables: &str, says: &str) {
    let error = parse(Path::new("m.toml"), &with(pipeline, tables), Role::All);
    let error = error.err().map(|error| error.to_string());
    let error = error.unwrap_or_else(|| panic!("accepted: {pipeline} {tables}"));
    assert!(error.contains(says), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_pipeline_decodes_by_the_registry_or_by_files() {
    let registry =
        "[registry]\nurl = \"https://registry/api/\"\nusername = \"ada\"\npassword = \"hunter2\"";
    let pipeline = "decode = \"registry\"\ndecode-key = { avro = \"key.avsc\" }\n\
                    decoded = { int64 = \"string\", timestamps = \"number\" }";
    let settings = parse(Path::new("at/m.toml"), &with(pipeline, registry), Role::All);
    let settings = settings.unwrap_or_else(|error| panic!("{error}"));
    let decode = &settings.pipelines.last().expect("added").decode;
    assert_eq!(decode.value, Some(DecodeBy::Registry));
    let key = DecodeBy::File(SchemaFile::Avro("at/key.avsc".into()));
    assert_eq!(decode.key, Some(key));
    assert!(decode.table.longs_are_strings && decode.table.timestamps_are_numbers);
    let registry = settings.registry.expect("given");
    assert_eq!(registry.url.to_string(), "https://registry/api");
    assert!(matches!(&registry.login, ServerLogin::Basic(user, _) if user == "ada"));
    assert!(!format!("{registry:?}").contains("hunter2"));

    let pipeline = "decode = { protobuf = \"o.proto\", message = \"shop.Order\" }";
    let settings = parse(Path::new("m.toml"), &with(pipeline, ""), Role::All);
    let settings = settings.unwrap_or_else(|error| panic!("{error}"));
    let decode = &settings.pipelines.last().expect("added").decode;
    let file = SchemaFile::Protobuf("o.proto".into(), "shop.Order".into());
    assert_eq!(decode.value, Some(DecodeBy::File(file)));
}

#[test]
fn what_is_wrong_with_decoding_is_named() {
    for (pipeline, says) in [
        ("decode = \"registry\"", "needs a [registry] table"),
        (
            "decode = \"avro\"",
            "expected \"registry\", { avro = \"order.avsc\" }",
        ),
        (
            "decode = { avro = 7 }",
            "expected \"registry\", { avro = \"order.avsc\" }",
        ),
        (
            "decode = { protobuf = \"o.proto\" }",
            "message = \"shop.Order\"",
        ),
        ("decoded = { int64 = \"text\" }", "`string`"),
        ("decodes = \"registry\"", "did you mean `decode`?"),
    ] {
        refused(pipeline, "", says);
    }
}

#[test]
fn a_pipeline_and_tasks_encode_by_a_schema_of_the_registry() {
    let tables = "[registry]\nurl = \"http://r\"\n[tasks]\nrequest-topic = \"jobs\"\n\
                  encode = { schema-id = 7, message = \"shop.Job\" }";
    let pipeline = "output-topics = [\"out\", \"other\"]\n\
                    encode = { out = \"registry\", other = { subject = \"s\" } }";
    let settings = parse(Path::new("m.toml"), &with(pipeline, tables), Role::All);
    let settings = settings.unwrap_or_else(|error| panic!("{error}"));
    let encode = &settings.pipelines.last().expect("added").encode;
    let latest = |subject: &str| SchemaChoice::Latest(subject.into());
    assert_eq!(encode["out"].schema, latest("out-value"));
    assert_eq!(encode["other"].schema, latest("s"));
    let of_tasks = settings.tasks.expect("given").encode.expect("given");
    assert_eq!(of_tasks.schema, SchemaChoice::Id(7));
    assert_eq!(of_tasks.message.as_deref(), Some("shop.Job"));
}

#[test]
fn what_is_wrong_with_encoding_is_named() {
    let registry = "[registry]\nurl = \"http://r\"";
    let out = "output-topics = [\"out\"]\n";
    for (encode, tables, says) in [
        (
            "encode = { out = \"registry\" }",
            "",
            "needs a [registry] table",
        ),
        (
            "encode = { out = \"avro\" }",
            registry,
            "expected \"registry\", { subject",
        ),
        (
            "encode = { out = { subjects = \"s\" } }",
            registry,
            "expected \"registry\", { subject",
        ),
        (
            "encode = { out = { subject = \"s\", schema-id = 7 } }",
            registry,
            "exclude each other",
        ),
        (
            "encode = { oot = \"registry\" }",
            registry,
            "may write to \"oot\": add it to output-topics",
        ),
    ] {
        refused(&format!("{out}{encode}"), tables, says);
    }
}

#[test]
fn what_is_wrong_with_the_registry_is_named() {
    for (lines, says) in [
        ("", "url"),
        ("url = \"registry:8081\"", "expected http://host:port"),
        ("url = \"ftp://registry\"", "expected http://host:port"),
        (
            "url = \"http://registry?key=hunter2\"",
            "expected http://host:port",
        ),
        (
            "url = \"http://ada:hunter2@registry\"",
            "must not contain a login",
        ),
        (
            "url = \"http://r\"\npassword = \"hunter2\"",
            "`password` needs its `username`",
        ),
        (
            "url = \"http://r\"\nusername = \"ada\"",
            "`username` needs its `password`",
        ),
        ("url = \"http://r\"\ntoken = \"\"", "`token` is empty"),
        (
            "url = \"http://r\"\ntoken = \"hunter2\"\nusername = \"a\"\npassword = \"hunter2\"",
            "exclude each other",
        ),
        (
            "url = \"http://r\"\ntls = { ca = \"ca.pem\" }",
            "begins with https://",
        ),
        (
            "url = \"https://r\"\ntls = { key = \"k.pem\" }",
            "`key` needs its `certificate`",
        ),
        ("url = \"https://r\"\ntls = { cert = \"k.pem\" }", "cert"),
    ] {
        refused("", &format!("[registry]\n{lines}"), says);
    }
}
