//! `../examples` has the events that the specification's pages show, as published.

use crate::CloudEvents;
use millstream_plugin::testing::{MadeEvent, TestRecord, TransformTest};
use millstream_plugin::{Class, Failure};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const STRUCTURED: &str = "application/cloudevents+json; charset=UTF-8";

fn run(config: &Value, record: TestRecord) -> Result<Vec<MadeEvent>, Failure> {
    let plugin = TransformTest::<CloudEvents>::new(&config.to_string()).expect("a configuration");
    plugin.one(record)
}

fn one(config: &Value, record: TestRecord) -> MadeEvent {
    let mut events = run(config, record).unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn failure(config: &Value, record: TestRecord) -> (Class, String) {
    let failure = run(config, record).unwrap_err();
    (failure.class, failure.message)
}

fn refusal(config: &Value) -> String {
    let refused = TransformTest::<CloudEvents>::new(&config.to_string());
    refused.err().expect("a refusal")
}

fn published(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name);
    fs::read_to_string(path).expect(name)
}

/// A record of binary mode with all required attributes.
fn binary(value: impl AsRef<[u8]>) -> TestRecord {
    TestRecord::value(value)
        .key("mykey")
        .header("ce_specversion", "1.0")
        .header("ce_type", "com.example.someevent")
        .header("ce_source", "/mycontext/subcontext")
        .header("ce_id", "1234-1234-1234")
        .header("ce_time", "2018-04-05T03:56:24Z")
}

fn event(fields: &Value) -> String {
    let mut all = json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "t"});
    let given = fields.as_object().expect("fields").clone();
    all.as_object_mut().expect("an object").extend(given);
    all.to_string()
}

#[test]
fn published_events_have_their_attributes_and_data() {
    let by_source = json!({"client": "source", "type": "type"});
    // The file, the client, the type, the payload; the last as JSON if it is JSON.
    let expected = [
        (
            "json-string-data-xml.json",
            "/mycontext",
            "com.example.someevent",
            json!("<much wow=\"xml\"/>"),
        ),
        (
            "json-object-data.json",
            "/mycontext",
            "com.example.someevent",
            json!({"appinfoA": "abc", "appinfoB": 123, "appinfoC": true}),
        ),
        (
            "json-number-data.json",
            "/mycontext",
            "com.example.someevent",
            json!(1.5),
        ),
        (
            "json-string-data-no-contenttype.json",
            "/mycontext",
            "com.example.someevent",
            json!("I'm just a string"),
        ),
        (
            "json-binary-data-no-contenttype.json",
            "/mycontext",
            "com.example.someevent",
            json!({"xyz": 123}),
        ),
        (
            "spec-example.json",
            "https://github.com/cloudevents/spec/pull",
            "com.github.pull_request.opened",
            json!("<much wow=\"xml\"/>"),
        ),
        ("dataref-only.json", "", "", json!(null)),
        ("sequence-no-data.json", "", "", json!(null)),
        ("correlation-order-placed.json", "", "", json!({})),
        ("verifiability-signed.json", "", "", json!({})),
    ];
    for (name, client, kind, payload) in expected {
        let text = published(name);
        for record in [
            TestRecord::value(&text).header("content-type", STRUCTURED),
            TestRecord::value(&text),
        ] {
            let made = one(&by_source, record);
            let original: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(made.client, original["source"], "{name}");
            assert_eq!(made.kind, original["type"], "{name}");
            let found = serde_json::from_str(&made.payload).unwrap_or_else(|_| json!(made.payload));
            if client.is_empty() {
                let data = original.get("data").cloned().unwrap_or_default();
                assert_eq!(found, data, "{name}");
                continue;
            }
            assert_eq!((&*made.client, &*made.kind), (client, kind), "{name}");
            assert_eq!(found, payload, "{name}");
        }
    }
}

#[test]
fn a_published_event_is_passed_on_whole() {
    let config = json!({"client": "source", "payload": "event"});
    let text = published("verifiability-signed.json");
    let made = one(&config, TestRecord::value(&text));
    assert_eq!(made.payload, text, "byte for byte");
}

#[test]
fn a_placeholder_of_the_specification_is_refused_as_the_bad_base64_that_it_is() {
    let record = TestRecord::value(published("json-binary-data.json"));
    let (class, message) = failure(&json!({"client": "source"}), record);
    assert_eq!(class, Class::Malformed);
    assert!(
        message.starts_with("`data_base64` is not base64"),
        "{message}"
    );
    // Nothing looks into it when the whole event is the payload: even so it is checked.
    let record = TestRecord::value(published("json-binary-data.json"));
    assert_eq!(
        failure(&json!({"client": "source", "payload": "event"}), record).0,
        Class::Malformed
    );
}

#[test]
fn the_binary_example_of_the_kafka_binding_has_the_same_event() {
    let data = r#"{"user": {"id": "ada"}, "n": 1.50}"#;
    let record = || binary(data).header("content-type", "application/json");
    for (client, found) in [
        ("key", "mykey"),
        ("id", "1234-1234-1234"),
        ("source", "/mycontext/subcontext"),
        ("datacontenttype", "application/json"),
        ("/user/id", "ada"),
        ("header:ce_time", "2018-04-05T03:56:24Z"),
    ] {
        let made = one(&json!({"client": client}), record());
        assert_eq!(
            (&*made.client, &*made.kind),
            (found, "com.example.someevent"),
            "{client}"
        );
        assert_eq!(made.payload, data, "byte for byte");
    }
    let whole = one(&json!({"payload": "event"}), record());
    let expected = json!({
        "specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext/subcontext",
        "id": "1234-1234-1234", "time": "2018-04-05T03:56:24Z", "datacontenttype": "application/json",
        "data": {"user": {"id": "ada"}, "n": 1.5}
    });
    assert_eq!(
        serde_json::from_str::<Value>(&whole.payload).unwrap(),
        expected
    );
    assert!(whole.payload.contains("1.50"), "numbers as written");
    // What was written so reads back as the same event.
    let again = one(&json!({"client": "id"}), TestRecord::value(&whole.payload));
    assert_eq!(again.payload, data);
}

#[test]
fn data_that_is_not_json_is_text_or_base64() {
    let payload = |record: TestRecord| {
        let data = one(&json!({}), record.clone()).payload;
        let whole = one(&json!({"payload": "event"}), record).payload;
        let whole: Value = serde_json::from_str(&whole).unwrap();
        (
            data,
            whole.get("data").cloned(),
            whole.get("data_base64").cloned(),
        )
    };
    let xml = || binary("<a/>").header("content-type", "application/xml");
    assert_eq!(payload(xml()), ("<a/>".into(), Some(json!("<a/>")), None));
    let bytes = binary([0xfb, 0xff, 0xfe]).header("content-type", "application/avro");
    assert_eq!(payload(bytes), ("+//+".into(), None, Some(json!("+//+"))));
    assert_eq!(
        payload(binary("{\"a\":1}")),
        ("{\"a\":1}".into(), Some(json!({"a": 1})), None)
    );
    assert_eq!(
        payload(binary("no json")),
        ("no json".into(), Some(json!("no json")), None)
    );
    // Decoded by the host, whatever the content-type says.
    let decoded = binary("{\"a\":1}").header("content-type", "application/avro");
    let decoded = decoded.header("millstream.schema.id", "7");
    assert_eq!(
        payload(decoded),
        ("{\"a\":1}".into(), Some(json!({"a": 1})), None)
    );
    let none = TestRecord::tombstone()
        .key("k")
        .header("ce_id", "1")
        .header("ce_source", "/s");
    let none = none.header("ce_type", "t").header("ce_specversion", "1.0");
    assert_eq!(payload(none), ("null".into(), None, None));
    let text = event(&json!({"data": "a\"b", "datacontenttype": "text/plain"}));
    assert_eq!(
        one(&json!({"client": "id"}), TestRecord::value(text)).payload,
        "a\"b"
    );
    let json_text =
        event(&json!({"data": "a\"b", "datacontenttype": "application/vnd.x+json; v=1"}));
    assert_eq!(
        one(&json!({"client": "id"}), TestRecord::value(json_text)).payload,
        r#""a\"b""#
    );
}

#[test]
fn each_event_of_a_batch_is_addressed_by_itself_and_one_bad_event_fails_all() {
    let batch = |events: &[String]| format!("[{}]", events.join(", "));
    let ada = event(&json!({"subject": "ada", "data": 1}));
    let bob = event(&json!({"subject": "bob", "data": 2}));
    let config = json!({"client": "subject"});
    for kind in [
        "application/cloudevents-batch+json",
        "Application/CloudEvents-Batch+JSON; x=y",
    ] {
        let record = TestRecord::value(batch(&[ada.clone(), bob.clone()]));
        let made = run(&config, record.header("content-type", kind)).unwrap();
        let made: Vec<_> = made.iter().map(|e| (&*e.client, &*e.payload)).collect();
        assert_eq!(made, [("ada", "1"), ("bob", "2")]);
    }
    assert_eq!(
        run(&config, TestRecord::value(published("batch-empty.json"))),
        Ok(vec![])
    );
    let nobody = event(&json!({"data": 3}));
    let (class, message) = failure(&config, TestRecord::value(batch(&[ada, nobody, bob])));
    assert_eq!(class, Class::Unaddressable);
    assert_eq!(
        message,
        "event 1 of the batch: the attribute `subject` is missing"
    );
}

#[test]
fn filter_and_shape_look_into_the_data() {
    let config = json!({
        "client": "/user", "group": "teamid", "type": "=order", "filter": {"/status": "open"},
        "keep": ["user", "text"], "rename": {"text": "message"}, "add": {"v": 2}
    });
    let data = json!({"user": "ada", "text": "hi", "status": "open", "secret": 1});
    let made = one(
        &config,
        binary(data.to_string()).header("ce_teamid", "blue"),
    );
    assert_eq!((&*made.group, &*made.kind), ("blue", "order"));
    let payload: Value = serde_json::from_str(&made.payload).unwrap();
    assert_eq!(payload, json!({"user": "ada", "message": "hi", "v": 2}));
    let closed = json!({"user": "ada", "status": "closed"});
    assert_eq!(run(&config, binary(closed.to_string())), Ok(vec![]));
    let structured = event(&json!({"data": data, "teamid": true}));
    assert_eq!(one(&config, TestRecord::value(structured)).group, "true");
}

#[test]
fn what_is_no_cloudevent_is_malformed_and_says_why() {
    let typed = |value: &str, kind: &str| TestRecord::value(value).header("content-type", kind);
    let without = |name: &str| {
        let mut event: Value = serde_json::from_str(&event(&json!({}))).unwrap();
        event.as_object_mut().unwrap().remove(name);
        TestRecord::value(event.to_string())
    };
    let cases = [
        (
            TestRecord::value("{}"),
            "the attribute `specversion` is missing",
        ),
        (TestRecord::value("hello"), "no `ce_` headers"),
        (TestRecord::value("{"), "EOF while parsing"),
        (typed("7", STRUCTURED), "JSON but not an object"),
        (
            typed("7", "application/cloudevents+avro"),
            "application/cloudevents+avro is not supported",
        ),
        (
            TestRecord::tombstone().header("content-type", STRUCTURED),
            "has no value",
        ),
        (TestRecord::tombstone(), "a tombstone"),
        (without("id"), "`id` is missing"),
        (without("source"), "`source` is missing"),
        (without("type"), "`type` is missing"),
        (
            TestRecord::value(event(&json!({"id": ""}))),
            "`id` is empty",
        ),
        (
            TestRecord::value(event(&json!({"source": null}))),
            "`source` is null",
        ),
        (
            TestRecord::value(event(&json!({"specversion": "0.3"}))),
            "0.3, and only 1.x",
        ),
        (
            TestRecord::value(event(&json!({"data": 1, "data_base64": ""}))),
            "both `data` and",
        ),
        (
            TestRecord::value(event(&json!({"data_base64": 7}))),
            "not the expected JSON",
        ),
        (
            TestRecord::value("x").header("ce_id", [0xff]),
            "`specversion` is missing",
        ),
    ];
    for (record, says) in cases {
        let (class, message) = failure(&json!({}), record.clone().key("k"));
        assert_eq!(class, Class::Malformed, "{message}");
        assert!(message.contains(says), "{message} does not contain {says}");
    }
    let (class, message) = failure(&json!({"client": "/a"}), binary([0xff]));
    assert_eq!(
        (class, &*message),
        (
            Class::Malformed,
            "the data of the CloudEvent: it is not UTF-8"
        )
    );
    let (class, message) = failure(&json!({"client": "subject"}), binary("1"));
    assert_eq!(
        (class, &*message),
        (Class::Unaddressable, "the attribute `subject` is missing")
    );
}

#[test]
fn a_tombstone_is_handled_as_configured() {
    let skip = json!({"tombstones": "skip"});
    assert_eq!(run(&skip, TestRecord::tombstone().key("k")), Ok(vec![]));
}

#[test]
fn a_wrong_configuration_is_refused() {
    for (config, says) in [
        (
            json!({"client": "ce_subject"}),
            "invalid source \"ce_subject\"",
        ),
        (json!({"client": "Subject"}), "did you mean \"subject\"?"),
        (json!({"client": "user.id"}), "did you mean \"/user/id\"?"),
        (
            json!({"client": "=all"}),
            "only `group` and `type` may be constants",
        ),
        (json!({"type": "=gap"}), "reserved"),
        (json!({"payload": "all"}), "expected `data` or `event`"),
        (
            json!({"payload": "event", "keep": ["a"]}),
            "need payload = \"data\"",
        ),
        (json!({"tombstones": "event"}), "has no attributes"),
        (json!({"clients": "key"}), "unknown field `clients`"),
    ] {
        let refused = refusal(&config);
        assert!(refused.contains(says), "{refused} does not contain {says}");
    }
}
