//! Types for plugins: they read what the host hands over, in each language, and `plugin check` tells
//! when a newer schema no longer fits them.
//!
//! `tests/schemas/types` has schemas, values, and the types as they are generated:
//! `BLESS=1 cargo test --test e2e -- types` writes those again.

use super::run_with_input;
use millstream_tests::{Daemon, create_topic, registry, scratch_dir, servers, typescript, unique};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[allow(dead_code, reason = "generated: not every field is looked at here")]
#[path = "../../schemas/types/event.rs"]
mod event;
#[allow(dead_code, reason = "generated: not every field is looked at here")]
#[path = "../../schemas/types/odd.rs"]
mod odd;
#[allow(dead_code, reason = "generated: not every field is looked at here")]
#[path = "../../schemas/types/order.rs"]
mod order;
#[allow(dead_code, reason = "generated: not every field is looked at here")]
#[path = "../../schemas/types/payment.rs"]
mod payment;

const LANGUAGES: [(&str, &str); 3] = [("rust", "rs"), ("ts", "ts"), ("python", "py")];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/schemas/types")
}

fn run(command: &mut Command, input: &str) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = run_with_input(command, input);
    let (stdout, stderr) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    assert!(status.success(), "{command:?}: {stdout}{stderr}");
    stdout.into_owned()
}

fn millstream(arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(Daemon::program());
    run(
        command
            .args(arguments)
            .args(["--registry", &registry().url()]),
        input,
    )
}

/// Registers a schema, generates its types, and returns the values as the host hands them over.
fn made(name: &str, file: &str, format: &str) -> Vec<String> {
    let topic = create_topic("types", 1);
    let subject = format!("{topic}-value");
    let schema = fs::read_to_string(folder().join(file)).unwrap();
    let id = registry().register(&subject, format, &schema);
    for (language, end) in LANGUAGES {
        let made = millstream(
            &["plugin", "types", "--subject", &subject, "--lang", language],
            "",
        );
        let made = made.replace(&subject, &format!("{name}-value"));
        let made = made.replace(&format!("schema {id}."), "schema 7.");
        let path = folder().join(format!("{name}.{end}"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &made).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            made,
            "{}",
            path.display()
        );
    }
    let values = fs::read_to_string(folder().join(format!("{name}.jsonl"))).unwrap();
    let kafka = servers().kafka.bootstrap();
    millstream(
        &["produce", &topic, "-b", &kafka, "--encode", "registry"],
        &values,
    );
    let consume = [
        "consume",
        &topic,
        "-b",
        &kafka,
        "--decode",
        "registry",
        "--from-beginning",
        "--exit",
    ];
    let seen = millstream(&consume, "");
    let parsed = |text: &str| -> Vec<Value> {
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    assert_eq!(parsed(&seen), parsed(&values));
    seen.lines().map(str::to_owned).collect()
}

/// Reads the values in Rust, TypeScript and Python. Returns what Rust and Python read.
fn read<T: DeserializeOwned>(name: &str, of: &str, values: &[String]) -> (Vec<T>, Vec<String>) {
    let rust = |line: &String| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    let rust = values.iter().map(rust).collect();

    let dir = scratch_dir("types");
    let types = format!("{name}.ts");
    fs::copy(folder().join(&types), dir.join(&types)).unwrap();
    let check = format!(
        "import type {{ {of} }} from \"./{name}\";\nexport const all: {of}[] = [\n{},\n];\n",
        values.join(",\n")
    );
    fs::write(dir.join("check.ts"), check).unwrap();
    let mut tsc = Command::new(typescript());
    let options = [
        "--noEmit",
        "--strict",
        "--exactOptionalPropertyTypes",
        "check.ts",
    ];
    run(tsc.current_dir(&dir).args(options), "");

    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/sdk-python");
    let mut python = Command::new("python3");
    python
        .env("PYTHONPATH", sdk)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    python
        .arg(folder().join("read.py"))
        .arg(folder().join(format!("{name}.py")))
        .arg(of);
    let seen = run(&mut python, &(values.join("\n") + "\n"));
    (rust, seen.lines().map(str::to_owned).collect())
}

#[test]
fn types_of_avro_read_what_the_host_hands_over() {
    let values = made("order", "order.avsc", "AVRO");
    let (rust, python) = read::<order::Order>("order", "Order", &values);
    assert!(rust[0].ratio.0.is_nan() && rust[0].r#type);
    assert_eq!(rust[0].counts["x"], 9_007_199_254_740_993);
    assert_eq!(rust[1].status, order::Status::AllDone);
    assert_eq!((&*rust[1].total, &*rust[0].from), ("-0.01", "web"));
    let Some(order::OrderContact::Address(address)) = &rust[1].contact else {
        panic!("{:?}", rust[1].contact)
    };
    assert_eq!((&*address.city, address.zip), ("d", None));
    assert_eq!(rust[1].parent.as_ref().unwrap().id, "1");
    assert!(python[1].contains("parent=Order(id='1'"), "{}", python[1]);
    assert!(
        python[1].contains("shop_address=Address(city='d', zip=None)"),
        "{}",
        python[1]
    );
}

#[test]
fn types_of_protobuf_read_what_the_host_hands_over() {
    let values = made("event", "event.proto", "PROTOBUF");
    let (rust, python) = read::<event::Event>("event", "Event", &values);
    assert_eq!(
        (&*rust[0].id, rust[0].number.0, rust[0].kind),
        ("", 0, event::Kind::Unknown)
    );
    assert_eq!(
        (rust[1].large.0, rust[1].number.0),
        (u64::MAX, -9_007_199_254_740_993)
    );
    assert_eq!(rust[1].kinds, [event::Kind::Gone, event::Kind::Unknown]);
    assert_eq!(rust[1].counts["-1"].0, 7);
    assert_eq!(
        rust[1]
            .first_item
            .as_ref()
            .unwrap()
            .inside
            .as_ref()
            .unwrap()
            .name,
        "b"
    );
    assert_eq!(rust[2].kind, event::Kind::Number(7));
    assert_eq!(
        (rust[2].ratio.0, rust[2].text.as_deref()),
        (f64::INFINITY, Some(""))
    );
    assert!(
        python[0].contains("number='0'") && python[0].contains("kind='UNKNOWN'"),
        "{}",
        python[0]
    );
    assert!(python[1].contains("class_='k'"), "{}", python[1]);
}

#[test]
fn types_of_json_schema_read_what_the_host_hands_over() {
    let values = made("payment", "payment.schema.json", "JSON");
    let (rust, python) = read::<payment::Payment>("payment", "Payment", &values);
    assert_eq!((rust[0].amount, rust[1].count), (9.5, Some(3)));
    assert_eq!(rust[1].payer.parent.as_ref().unwrap().name, "eve");
    assert_eq!(rust[1].other, Some(json!([1, {"a": null}])));
    assert!(python[1].contains("refund_of=None"), "{}", python[1]);
}

/// Whoever wrote the schema chose its names. They must not become code.
#[test]
fn types_of_odd_names_are_code_that_reads_them() {
    let schema = folder().join("odd.avsc");
    for (language, end) in LANGUAGES {
        let mut command = Command::new(Daemon::program());
        command
            .args(["plugin", "types", "--lang", language, "--avro"])
            .arg(&schema);
        let made = run(&mut command, "").replace(schema.to_str().unwrap(), "odd.avsc");
        let path = folder().join(format!("odd.{end}"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &made).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            made,
            "{}",
            path.display()
        );
    }
    let values = fs::read_to_string(folder().join("odd.jsonl")).unwrap();
    let values: Vec<String> = values.lines().map(str::to_owned).collect();
    let (rust, python) = read::<odd::NamesResult>("odd", "NamesResult", &values);
    assert_eq!(
        (rust[0].self_, rust[0].a_b, rust[0].list.len()),
        (true, 3, 1)
    );
    assert!(python[0].contains("op='c'"), "{}", python[0]);
}

#[test]
fn check_tells_when_the_newest_schema_no_longer_fits() {
    let project = scratch_dir("checked");
    let subject = unique("checked");
    let v1 = r#"{"type":"record","name":"Order","fields":[{"name":"n","type":"int"},{"name":"note","type":"string"}]}"#;
    registry().register(&subject, "AVRO", v1);
    let source = project.join("src");
    fs::create_dir(&source).unwrap();
    fs::create_dir(project.join("dist")).unwrap();
    let toml = "name = \"p\"\nkind = \"transform\"\nlanguage = \"rust\"\n";
    fs::write(project.join("plugin.toml"), toml).unwrap();
    let plugin = project.join("dist/p.wasm");
    fs::write(&plugin, millstream_tests::guest("test-counting")).unwrap();
    let types = source.join("order.rs");
    let (plugin, file) = (plugin.to_str().unwrap(), types.to_str().unwrap());
    millstream(
        &[
            "plugin",
            "types",
            "--subject",
            &subject,
            "--lang",
            "rust",
            "-o",
            file,
        ],
        "",
    );
    let check = || {
        let mut command = Command::new(Daemon::program());
        command.args(["plugin", "check", plugin, "--registry", &registry().url()]);
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), text.concat())
    };
    let (code, said) = check();
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("src/order.rs is of the newest version"),
        "{said}"
    );

    let v2 = r#"{"type":"record","name":"Order","fields":[{"name":"n","type":"int"},{"name":"note","type":"string"},{"name":"more","type":"string","default":""}]}"#;
    registry().register(&subject, "AVRO", v2);
    let (code, said) = check();
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("is of version 1 of") && said.contains("version 2 fits"),
        "{said}"
    );

    let v3 = r#"{"type":"record","name":"Order","fields":[{"name":"n","type":["null","int"]},{"name":"more","type":"string","default":""}]}"#;
    registry().register(&subject, "AVRO", v3);
    let (code, said) = check();
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("version 3 no longer fits: /n may be null now; /note is gone"),
        "{said}"
    );
}
