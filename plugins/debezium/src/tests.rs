//! `../examples` has the change events that Debezium's pages show, as published but for commas
//! and elided schemas.

use crate::Debezium;
use millstream_plugin::testing::{MadeEvent, TestRecord, TransformTest};
use millstream_plugin::{Class, Failure};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn run(config: &Value, record: TestRecord) -> Result<Vec<MadeEvent>, Failure> {
    let plugin = TransformTest::<Debezium>::new(&config.to_string()).expect("a configuration");
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
    let refused = TransformTest::<Debezium>::new(&config.to_string());
    refused.err().expect("a refusal")
}

fn published(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name);
    fs::read_to_string(path).expect(name)
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// An update with this row before and after.
fn update(before: &Value, after: &Value) -> TestRecord {
    let source = json!({"db": "shop", "table": "orders"});
    let change = json!({"before": before, "after": after, "source": source, "op": "u", "ts_ms": 5});
    TestRecord::value(change.to_string()).key(r#"{"id": 1}"#)
}

#[test]
fn each_published_change_event_has_its_row_type_and_client() {
    let anne = |id: u32, name: &str, email: &str| json!({"id": id, "first_name": name, "last_name": "Kretchmar", "email": email});
    let (first, second) = ("annek@noanswer.org", "annek@noanswer.org");
    let mongo = |id: &str| json!({"$numberLong": id});
    // The value's file, the key's, the client, the type, parts of the payload.
    let cases: [(&str, &str, &str, &str, Value); 15] = [
        (
            "postgresql-create",
            "postgresql",
            "1",
            "create",
            anne(1, "Anne", first),
        ),
        (
            "postgresql-update",
            "postgresql",
            "1",
            "update",
            json!({"id": 1, "first_name": "Anne Marie"}),
        ),
        (
            "postgresql-delete",
            "postgresql",
            "1",
            "delete",
            json!({"id": 1}),
        ),
        (
            "mysql-create",
            "mysql",
            "1001",
            "create",
            anne(1004, "Anne", first),
        ),
        (
            "mysql-update",
            "mysql",
            "1001",
            "update",
            anne(1004, "Anne Marie", second),
        ),
        (
            "mysql-delete",
            "mysql",
            "1001",
            "delete",
            anne(1004, "Anne Marie", second),
        ),
        (
            "mongodb-create",
            "mongodb",
            "1004",
            "create",
            json!({"_id": mongo("1004"), "first_name": "Anne"}),
        ),
        (
            "mongodb-update",
            "mongodb",
            "1004",
            "update",
            json!({"first_name": "Anne Marie"}),
        ),
        (
            "mongodb-delete",
            "mongodb",
            "1004",
            "delete",
            json!({"first_name": "Anne Marie"}),
        ),
        (
            "sqlserver-create",
            "sqlserver",
            "1004",
            "create",
            json!({"id": 1005, "first_name": "john"}),
        ),
        (
            "sqlserver-update",
            "sqlserver",
            "1004",
            "update",
            json!({"email": "noreply@example.org"}),
        ),
        (
            "sqlserver-delete",
            "sqlserver",
            "1004",
            "delete",
            json!({"email": "noreply@example.org"}),
        ),
        (
            "tutorial-read",
            "tutorial",
            "1004",
            "read",
            anne(1004, "Anne", first),
        ),
        (
            "tutorial-update",
            "tutorial",
            "1004",
            "update",
            anne(1004, "Anne Marie", second),
        ),
        (
            "tutorial-delete",
            "tutorial",
            "1004",
            "delete",
            anne(1004, "Anne Marie", second),
        ),
    ];
    for (value, key, client, kind, parts) in cases {
        let (value, key) = (
            published(&format!("{value}.json")),
            published(&format!("{key}-key.json")),
        );
        let record = TestRecord::value(&value).key(key);
        let made = one(&json!({}), record.clone());
        assert_eq!((&*made.client, &*made.kind), (client, kind), "{value}");
        let row = parsed(&made.payload);
        for (name, part) in parts.as_object().expect("parts") {
            assert_eq!(&row[name], part, "{value}: {name}");
        }
        let whole = one(&json!({"payload": "change"}), record);
        let mut change = parsed(&value)["payload"].take();
        change["source"]
            .as_object_mut()
            .expect("an object")
            .remove("query");
        assert_eq!(parsed(&whole.payload), change, "{value}");
    }
    let incremental = TestRecord::value(published("snapshot-incremental-read.json"));
    let made = one(&json!({"client": "/pk"}), incremental);
    assert_eq!((&*made.client, &*made.kind), ("1", "read"));
    let transaction = TestRecord::value(published("postgresql-create-transaction.json"));
    assert_eq!(one(&json!({"client": "/pk"}), transaction).client, "2");
}

#[test]
fn published_tombstones_truncations_and_messages_make_no_event_unless_asked() {
    for name in [
        "tutorial-tombstone",
        "postgresql-truncate",
        "mysql-truncate",
        "postgresql-message",
        "postgresql-message-nontransactional",
    ] {
        let record = TestRecord::value(published(&format!("{name}.json"))).key("k");
        assert_eq!(run(&json!({}), record), Ok(vec![]), "{name}");
    }
    assert_eq!(
        run(&json!({}), TestRecord::tombstone().key("k")),
        Ok(vec![])
    );
    let fail = json!({"tombstones": "fail"});
    assert_eq!(
        failure(&fail, TestRecord::tombstone().key("k")).0,
        Class::Malformed
    );

    let all = json!({"group": "=all", "operations": ["truncate", "message"], "type": "op"});
    let truncated = one(
        &all,
        TestRecord::value(published("postgresql-truncate.json")),
    );
    assert_eq!(
        (&*truncated.group, &*truncated.kind, &*truncated.payload),
        ("all", "truncate", "null")
    );
    let by_prefix = json!({"client": "/prefix", "operations": ["message"]});
    let message = one(
        &by_prefix,
        TestRecord::value(published("postgresql-message.json")),
    );
    let expected = json!({"prefix": "foo", "content": "Ymfy"});
    assert_eq!((&*message.client, &*message.kind), ("foo", "message"));
    assert_eq!(parsed(&message.payload), expected);
}

#[test]
fn client_and_type_come_from_row_key_or_source() {
    let row = json!({"id": 1, "customer": "ada", "team": null});
    let record = || update(&Value::Null, &row).header("h", "zoe");
    for (client, found) in [
        ("/customer", "ada"),
        ("key", "1"),
        ("key:/id", "1"),
        ("header:h", "zoe"),
        ("table", "orders"),
        ("db", "shop"),
        ("op", "update"),
    ] {
        assert_eq!(
            one(&json!({"client": client}), record()).client,
            found,
            "{client}"
        );
    }
    let made = one(
        &json!({"client": "/customer", "group": "/team", "type": "table"}),
        record(),
    );
    assert_eq!((&*made.client, &*made.kind), ("ada", "orders"));
    let mongo = TestRecord::value(published("mongodb-create.json")).key("k");
    assert_eq!(one(&json!({"type": "table"}), mongo).kind, "customers");
}

#[test]
fn keys_of_every_converter_are_understood() {
    let with = |key: &[u8]| update(&Value::Null, &json!({"id": 1})).key(key);
    for (key, client) in [
        (&br#"{"id": "a"}"#[..], "a"),
        (
            br#"{"schema": {}, "payload": {"id": 12345678901234567890123}}"#,
            "12345678901234567890123",
        ),
        (br#"{"schema": {}, "payload": "plain"}"#, "plain"),
        (b"ada", "ada"),
        (b"1001", "1001"),
        (b"\"quoted\"", "quoted"),
    ] {
        assert_eq!(one(&json!({}), with(key)).client, client);
    }
    for (key, says) in [
        (
            &br#"{"a": 1, "b": 2}"#[..],
            "the key is of several columns (name one as \"key:/column\")",
        ),
        (b"Struct{id=1}", "the key is written by StringConverter"),
        (br#"{"id": null}"#, "the key is null"),
    ] {
        let (class, message) = failure(&json!({}), with(key));
        assert_eq!(class, Class::Unaddressable);
        assert!(message.starts_with(says), "{message}");
    }
    assert_eq!(
        one(&json!({"client": "key:/b"}), with(br#"{"a": 1, "b": 2}"#)).client,
        "2"
    );
}

#[test]
fn a_row_that_leaves_a_client_is_deleted_there() {
    let config = json!({"client": "/owner", "filter": {"/open": true}});
    let row = |owner: &str, open: bool| json!({"owner": owner, "open": open});
    let sent = |before: Value, after: Value| {
        let made = run(&config, update(&before, &after)).unwrap();
        made.into_iter()
            .map(|e| (e.client, e.kind, parsed(&e.payload)))
            .collect::<Vec<_>>()
    };
    let event = |client: &str, kind: &str, row: Value| (client.to_owned(), kind.to_owned(), row);
    let (ada, bob, closed) = (row("ada", true), row("bob", true), row("ada", false));
    let gone = event("ada", "delete", ada.clone());
    assert_eq!(
        sent(ada.clone(), ada.clone()),
        [event("ada", "update", ada.clone())]
    );
    assert_eq!(
        sent(ada.clone(), bob.clone()),
        [gone.clone(), event("bob", "update", bob.clone())]
    );
    assert_eq!(sent(ada.clone(), closed.clone()), [gone]);
    assert_eq!(
        sent(closed.clone(), ada.clone()),
        [event("ada", "update", ada.clone())]
    );
    assert_eq!(sent(closed.clone(), row("bob", false)), []);
    assert_eq!(
        sent(Value::Null, bob.clone()),
        [event("bob", "update", bob.clone())]
    );
    // PostgreSQL without REPLICA IDENTITY FULL: nobody is known to have had it.
    assert_eq!(
        sent(json!({"id": 1}), bob.clone()),
        [event("bob", "update", bob.clone())]
    );

    // Nobody has it now.
    let nobodys = json!({"owner": null, "open": true});
    assert_eq!(
        sent(ada.clone(), nobodys.clone()),
        [event("ada", "delete", ada.clone())]
    );
    let (class, _) = failure(&config, update(&closed, &nobodys));
    assert_eq!(
        class,
        Class::Unaddressable,
        "nobody is known to have had it"
    );
    // Only a missing client is nobody's.
    let odd = json!({"owner": {"x": 1}, "open": true});
    let (class, _) = failure(&config, update(&ada, &odd));
    assert_eq!(class, Class::Unaddressable);

    let updates = json!({"client": "/owner", "operations": ["update"]});
    let made = run(&updates, update(&ada, &bob)).unwrap();
    assert_eq!(made.len(), 1, "without deletes, only the update");
}

#[test]
fn a_delete_whose_state_is_not_known_has_the_key_alone() {
    for payload in ["row", "change"] {
        let config = json!({"filter": {"/open": true}, "payload": payload});
        for (before, is_sent) in [
            (json!({"id": 1}), true),
            (json!({"id": 1, "open": null, "secret": "s"}), true),
            (json!({"id": 1, "open": false, "secret": "s"}), false),
            (Value::Null, true),
        ] {
            let deleted = json!({"op": "d", "before": before, "after": null});
            let record = TestRecord::value(deleted.to_string())
                .key(r#"{"schema": {}, "payload": {"id": 7}}"#);
            let made = run(&config, record).unwrap();
            assert_eq!(!made.is_empty(), is_sent, "{before}");
            let Some(event) = made.first() else { continue };
            assert_eq!((&*event.client, &*event.kind), ("7", "delete"));
            let expected = match payload {
                "row" => json!({"id": 7}),
                _ => json!({"op": "d", "before": {"id": 7}, "after": null}),
            };
            assert_eq!(parsed(&event.payload), expected, "{before}");
        }
    }
}

#[test]
fn nobody_sees_another_clients_row() {
    let config = json!({"client": "/owner", "payload": "change"});
    let row = |owner: &str, secret: &str| json!({"owner": owner, "secret": secret});
    let mut change = parsed(r#"{"op": "u", "ts_ms": 5}"#);
    change["source"] = json!({"table": "t", "query": "UPDATE t SET secret = 'of bob'"});
    change["before"] = row("ada", "of ada");
    change["after"] = row("bob", "of bob");
    change["updateDescription"] = json!({"updatedFields": "of bob"});
    let made = run(&config, TestRecord::value(change.to_string())).unwrap();
    let payload = |n: usize| parsed(&made[n].payload);
    let source = json!({"table": "t"});
    let deleted = json!({"op": "d", "ts_ms": 5, "source": &source, "before": row("ada", "of ada"), "after": null});
    assert_eq!((&*made[0].client, payload(0)), ("ada", deleted));
    change["before"] = Value::Null;
    change["source"] = source;
    assert_eq!((&*made[1].client, payload(1)), ("bob", change.clone()));
    // The same client sees both.
    change["before"] = row("bob", "earlier");
    let made = run(&config, TestRecord::value(change.to_string())).unwrap();
    assert_eq!(parsed(&made[0].payload), change);
}

#[test]
fn the_row_is_shaped_and_its_numbers_are_kept() {
    let config = json!({"keep": ["id", "text"], "rename": {"text": "message"}, "add": {"v": 2}});
    let change = r#"{"op":"c","after":{"id":12345678901234567890,"text":"hi","secret":1}}"#;
    let made = one(&config, TestRecord::value(change).key("k"));
    assert_eq!(
        made.payload,
        r#"{"id":12345678901234567890,"message":"hi","v":2}"#
    );
    // A deleted row of which nothing is known.
    let deleted = r#"{"op":"d","before":null,"after":null}"#;
    assert_eq!(
        one(&config, TestRecord::value(deleted).key("k")).payload,
        "null"
    );
}

#[test]
fn what_is_no_change_event_fails_and_says_why() {
    let cases = [
        ("{", Class::Malformed, "EOF while parsing"),
        ("7", Class::Malformed, "it has no `op`"),
        (r#"{"id": 1}"#, Class::Malformed, "use bundled:by-field"),
        (r#"{"op": "x"}"#, Class::Malformed, "the unknown `op` \"x\""),
        (r#"{"op": 7}"#, Class::Malformed, "the unknown `op` \"7\""),
        (
            r#"{"op": "u"}"#,
            Class::Rejected,
            "operation update, but has no row (`after`)",
        ),
        (
            r#"{"op": "c", "after": "no json"}"#,
            Class::Malformed,
            "not the expected JSON",
        ),
        (
            r#"{"op": "c", "after": 7}"#,
            Class::Unaddressable,
            "`/id` is missing",
        ),
        (
            r#"{"op": "d", "before": {"a": 1}}"#,
            Class::Unaddressable,
            "REPLICA IDENTITY FULL",
        ),
    ];
    for (value, class, says) in cases {
        let (found, message) = failure(&json!({"client": "/id"}), TestRecord::value(value));
        assert_eq!(found, class, "{value}: {message}");
        assert!(message.contains(says), "{message} does not contain {says}");
    }
}

#[test]
fn a_wrong_configuration_is_refused() {
    for (config, says) in [
        (
            json!({"client": "collection"}),
            "invalid source \"collection\"",
        ),
        (json!({"client": "Table"}), "did you mean \"table\"?"),
        (json!({"payload": "after"}), "expected `row` or `change`"),
        (
            json!({"payload": "change", "add": {"a": 1}}),
            "need payload = \"row\"",
        ),
        (
            json!({"operations": ["insert"]}),
            "unknown variant `insert`",
        ),
        (json!({"operations": []}), "an empty list"),
        (json!({"tombstones": "event"}), "use \"skip\" or \"fail\""),
    ] {
        let refused = refusal(&config);
        assert!(refused.contains(says), "{refused} does not contain {says}");
    }
}
