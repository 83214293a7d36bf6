//! Tests of the whole plugin; pointers have their own tests.

mod group;
mod tombstones;

use crate::ByField;
use millstream_plugin::testing::{MadeEvent, TestRecord, TransformTest};
use millstream_plugin::{Class, Failure};

fn run(config: &str, record: TestRecord) -> Result<Option<MadeEvent>, Failure> {
    let plugin = TransformTest::<ByField>::new(config).expect(config);
    let mut events = plugin.one(record)?;
    assert!(events.len() < 2);
    Ok(events.pop())
}

fn event(config: &str, record: TestRecord) -> MadeEvent {
    run(config, record).unwrap().expect("an event")
}

fn payload(config: &str, value: &str) -> String {
    event(config, TestRecord::value(value).key("ada")).payload
}

fn failure(config: &str, record: TestRecord) -> (Class, String) {
    let failure = run(config, record).unwrap_err();
    (failure.class, failure.message)
}

fn refusal(config: &str) -> String {
    TransformTest::<ByField>::new(config).err().expect(config)
}

mod client {
    use super::*;

    const POINTER: &str = r#"{"client":"/user/id"}"#;

    fn of(value: &str) -> String {
        event(POINTER, TestRecord::value(value)).client
    }

    #[test]
    fn it_comes_from_the_value_the_key_or_a_header() {
        let record = TestRecord::value(r#"{"user":{"id":"ada"}}"#).key("bob");
        let record = record.header("c", "eve").header("c", "zoe");
        assert_eq!(event(POINTER, record.clone()).client, "ada");
        assert_eq!(event(r#"{"client":"key"}"#, record.clone()).client, "bob");
        assert_eq!(event(r#"{"client":"header:c"}"#, record).client, "zoe");
    }

    #[test]
    fn escapes_are_resolved_and_numbers_keep_their_digits() {
        assert_eq!(of(r#"{"user":{"id":"\u0061d\"a"}}"#), "ad\"a");
        let digits = "123456789012345678901234567890";
        assert_eq!(of(&format!(r#"{{"user":{{"id": {digits} }}}}"#)), digits);
        assert_eq!(of(r#"{"user":{"id":-1.50}}"#), "-1.50");
    }

    #[test]
    fn an_invalid_id_is_unaddressable_and_the_message_says_what_was_found() {
        let long = format!(r#"{{"user":{{"id":"{}"}}}}"#, "x".repeat(257));
        let expected = [
            ("{}", "`/user/id` is missing"),
            (r#"{"user":7}"#, "`/user/id` is missing"),
            ("[]", "`/user/id` is missing"),
            ("7", "`/user/id` is missing"),
            (r#"{"user":{"id":null}}"#, "`/user/id` is null"),
            (r#"{"user":{"id":""}}"#, "`/user/id` is empty"),
            (r#"{"user":{"id":true}}"#, "`/user/id` is a boolean"),
            (r#"{"user":{"id":{}}}"#, "`/user/id` is an object"),
            (r#"{"user":{"id":["a"]}}"#, "`/user/id` is an array"),
            (
                r#"{"user":{"id":"a\nb"}}"#,
                "it contains a control character at byte 1",
            ),
            (&long, "it has 257 bytes, at most 256 are allowed"),
        ];
        for (value, message) in expected {
            let (class, found) = failure(POINTER, TestRecord::value(value));
            assert_eq!(class, Class::Unaddressable, "{value}");
            assert!(found.contains(message), "{value}: {found}");
        }
    }

    #[test]
    fn a_missing_or_non_text_key_or_header_is_unaddressable() {
        let none = || TestRecord::value("{}");
        let expected = [
            ("key", none(), "the key is missing"),
            ("key", none().key(""), "the key is empty"),
            (
                "key",
                none().key([0xff]),
                "the key is bytes that are not UTF-8",
            ),
            (
                "header:c",
                none().header("C", "x"),
                "the header `c` is missing",
            ),
            (
                "header:c",
                none().header("c", [0xff]),
                "the header `c` is bytes that are not UTF-8",
            ),
        ];
        for (source, record, message) in expected {
            let (class, found) = failure(&format!(r#"{{"client":"{source}"}}"#), record);
            assert_eq!(class, Class::Unaddressable);
            assert!(found.starts_with(message), "{found}");
        }
    }
}

mod kind {
    use super::*;

    fn of(source: &str, value: &str) -> String {
        let config = format!(r#"{{"client":"key","type":"{source}"}}"#);
        let record = TestRecord::value(value).key("ada").header("t", "sms");
        event(&config, record).kind
    }

    #[test]
    fn it_comes_from_a_source_or_is_constant() {
        assert_eq!(of("/kind", r#"{"kind":"mail"}"#), "mail");
        assert_eq!(of("/kind", r#"{"kind":7}"#), "7");
        assert_eq!(of("header:t", "no JSON"), "sms");
        assert_eq!(of("key", "no JSON"), "ada");
        assert_eq!(of("=order.new", "no JSON"), "order.new");
    }

    #[test]
    fn without_a_type_the_event_has_none() {
        assert_eq!(
            event(r#"{"client":"key"}"#, TestRecord::value("{}").key("ada")).kind,
            ""
        );
        assert_eq!(of("/kind", "{}"), "");
        assert_eq!(of("/kind", r#"{"kind":null}"#), "");
        assert_eq!(of("header:x", "{}"), "");
    }

    #[test]
    fn an_invalid_type_is_rejected_and_the_message_says_what_was_found() {
        let config = r#"{"client":"key","type":"/kind"}"#;
        let expected = [
            ("{}", "is an object"),
            ("false", "is a boolean"),
            ("\"a\\rb\"", "control character at byte 1"),
            ("\"gap\"", "which is reserved for Millstream"),
            ("\"millstream.x\"", "which is reserved for Millstream"),
        ];
        for (kind, message) in expected {
            let record = TestRecord::value(format!(r#"{{"kind":{kind}}}"#)).key("ada");
            let (class, found) = failure(config, record);
            assert_eq!(class, Class::Rejected);
            assert!(
                found.starts_with("`/kind` is") && found.contains(message),
                "{found}"
            );
        }
    }
}

mod value {
    use super::*;

    #[test]
    fn without_pointers_it_passes_unchanged_and_need_not_be_json() {
        let config = r#"{"client":"key"}"#;
        for value in ["", "no JSON\r\nat all", "{", " {\"a\" : 1.0} \n"] {
            assert_eq!(payload(config, value), value);
        }
    }

    #[test]
    fn with_pointers_alone_it_passes_byte_for_byte() {
        let config = r#"{"client":"/id","filter":{"/id":"ada"}}"#;
        let value = " {\"id\":\"ada\",\n \"n\": 1.00e2, \"n\": 12345678901234567890123 } ";
        assert_eq!(payload(config, value), value);
    }

    #[test]
    fn a_tombstone_is_malformed() {
        for config in [r#"{"client":"key"}"#, r#"{"client":"/id"}"#] {
            let (class, message) = failure(config, TestRecord::tombstone().key("ada"));
            assert_eq!(class, Class::Malformed);
            assert!(message.contains("tombstone"));
        }
    }

    #[test]
    fn a_value_that_is_not_utf8_is_malformed() {
        let record = TestRecord::value(b"ab\xff").key("ada");
        let (class, message) = failure(r#"{"client":"key"}"#, record);
        assert_eq!(class, Class::Malformed);
        assert_eq!(message, "the value is not UTF-8, at byte 2");
        for value in [
            &b"{\"id\":\"a\",\"x\":\"\xff\"}"[..],
            b"{\"id\":\"a\",\"\xff\":1}",
            b"\"\xff\"",
        ] {
            let (class, _) = failure(r#"{"client":"/id"}"#, TestRecord::value(value));
            assert_eq!(class, Class::Malformed);
        }
    }

    #[test]
    fn a_value_that_is_not_json_is_malformed_and_the_message_names_the_byte() {
        for value in [
            "",
            " ",
            "{",
            "{\"id\":\"a\"} x",
            "[1,]",
            "{\"id\":\"\\ud800\"}",
            "nul",
        ] {
            let (class, message) = failure(r#"{"client":"/id"}"#, TestRecord::value(value));
            assert_eq!(class, Class::Malformed, "{value}");
            assert!(message.contains("at byte"), "{value}: {message}");
        }
    }

    #[test]
    fn a_byte_counted_from_an_inner_value_shows_that_value() {
        let value = r#"{"x": {"id": "\ud800"}}"#;
        let (class, message) = failure(r#"{"client":"/x/id"}"#, TestRecord::value(value));
        assert_eq!(class, Class::Malformed);
        assert!(message.contains(r#"at byte 7 of `"\ud800"`"#), "{message}");
    }

    #[test]
    fn deep_nesting_does_no_harm() {
        let deep = format!(
            "{{\"id\":\"a\",\"x\":{}{}}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(
            event(r#"{"client":"/id"}"#, TestRecord::value(&deep)).payload,
            deep
        );
        let (class, _) = failure(
            r#"{"client":"/id","filter":{"/x":1}}"#,
            TestRecord::value(deep),
        );
        assert_eq!(class, Class::Malformed);
    }
}

mod shape {
    use super::*;

    fn shaped(config: &str, value: &str) -> String {
        payload(&format!(r#"{{"client":"key",{config}}}"#), value)
    }

    #[test]
    fn only_kept_fields_stay_in_their_order() {
        let value = r#"{"z":1,"user":{"name":"Ada","id":7,"tags":["a","b","c"]},"a":[ 1.00 ]}"#;
        let expected = [
            (r#"["a","z"]"#, r#"{"z":1,"a":[ 1.00 ]}"#),
            (r#"["/user/name"]"#, r#"{"user":{"name":"Ada"}}"#),
            (
                r#"["/user/id","/user/name","/z"]"#,
                r#"{"z":1,"user":{"name":"Ada","id":7}}"#,
            ),
            (
                r#"["/user/tags/2","/user/tags/0"]"#,
                r#"{"user":{"tags":["a","c"]}}"#,
            ),
            (r#"["/user/id","/a"]"#, r#"{"user":{"id":7},"a":[ 1.00 ]}"#),
            (r#"["/z/deeper","/user/none","missing"]"#, "{}"),
            (r#"[]"#, "{}"),
        ];
        for (keep, expected) in expected {
            assert_eq!(
                shaped(&format!(r#""keep":{keep}"#), value),
                expected,
                "{keep}"
            );
        }
        let whole = r#"{"user":{"name":"Ada","id":7,"tags":["a","b","c"]}}"#;
        assert_eq!(shaped(r#""keep":["/user/id","user"]"#, value), whole);
        assert_eq!(shaped(r#""keep":["user","/user/id"]"#, value), whole);
    }

    #[test]
    fn fields_are_renamed_in_place_and_values_keep_their_bytes() {
        let value = r#"{"a": 1.00, "b": 12345678901234567890123, "\u0063": "\u00e9"}"#;
        let expected = r#"{"x":1.00,"b":12345678901234567890123,"y":"\u00e9"}"#;
        assert_eq!(shaped(r#""rename":{"a":"x","c":"y"}"#, value), expected);
    }

    #[test]
    fn a_renamed_or_added_field_replaces_a_field_of_that_name() {
        assert_eq!(
            shaped(r#""rename":{"a":"b"}"#, r#"{"b":2,"a":1}"#),
            r#"{"b":1}"#
        );
        assert_eq!(shaped(r#""rename":{"a":"b"}"#, r#"{"b":2}"#), r#"{"b":2}"#);
        assert_eq!(
            shaped(r#""rename":{"a":"b","b":"a"}"#, r#"{"a":1,"b":2}"#),
            r#"{"b":1,"a":2}"#
        );
        assert_eq!(
            shaped(r#""add":{"b":3}"#, r#"{"b":2,"a":1}"#),
            r#"{"a":1,"b":3}"#
        );
    }

    #[test]
    fn anything_can_be_added() {
        let add = r#""add":{"n":1.5,"o":{"x":[null,true]},"s":"\"é"}"#;
        assert_eq!(
            shaped(add, "{}"),
            r#"{"n":1.5,"o":{"x":[null,true]},"s":"\"é"}"#
        );
    }

    #[test]
    fn the_client_and_the_filter_read_the_original_record() {
        let config =
            r#"{"client":"/id","keep":["text"],"rename":{"text":"t"},"filter":{"/text":"x"}}"#;
        let event = event(config, TestRecord::value(r#"{"id":"ada","text":"x"}"#));
        assert_eq!((&*event.client, &*event.payload), ("ada", r#"{"t":"x"}"#));
    }

    #[test]
    fn a_value_that_is_not_an_object_is_malformed() {
        for value in ["[1]", "1", "null", "\"{}\""] {
            let record = TestRecord::value(value).key("ada");
            let (class, message) = failure(r#"{"client":"key","add":{"a":1}}"#, record);
            assert_eq!(class, Class::Malformed);
            assert!(message.contains("not an object"), "{message}");
        }
    }
}

mod filter {
    use super::*;

    fn passes(filter: &str, value: &str) -> bool {
        let config = format!(r#"{{"client":"key","filter":{filter}}}"#);
        run(&config, TestRecord::value(value).key("ada"))
            .unwrap()
            .is_some()
    }

    #[test]
    fn every_condition_must_hold() {
        let filter = r#"{"/status":"active","/user/level":[1,2]}"#;
        assert!(passes(filter, r#"{"status":"active","user":{"level":2}}"#));
        assert!(!passes(filter, r#"{"status":"active","user":{"level":3}}"#));
        assert!(!passes(filter, r#"{"status":"gone","user":{"level":2}}"#));
        assert!(!passes(filter, r#"{"status":"active"}"#));
    }

    #[test]
    fn values_are_compared_as_json() {
        assert!(passes(r#"{"/x":"é"}"#, r#"{"x":"\u00e9"}"#));
        assert!(passes(r#"{"/x":1}"#, r#"{"x":1.0}"#));
        assert!(passes(r#"{"/x":{"a":1,"b":2}}"#, r#"{"x":{"b":2,"a":1}}"#));
        assert!(passes(r#"{"/x":[[1]]}"#, r#"{"x":[1]}"#));
        assert!(passes(r#"{"/x":null}"#, r#"{"x":null}"#) && !passes(r#"{"/x":null}"#, "{}"));
        assert!(!passes(r#"{"/x":"1"}"#, r#"{"x":1}"#) && !passes(r#"{"/x":true}"#, r#"{"x":1}"#));
        let near = (r#"{"/x":9007199254740993}"#, r#"{"x":9007199254740992}"#);
        assert!(!passes(near.0, near.1));
    }

    #[test]
    fn a_record_that_does_not_match_needs_no_client() {
        let config = r#"{"client":"/id","filter":{"/x":1}}"#;
        assert_eq!(run(config, TestRecord::value("{}")), Ok(None));
    }
}

mod configuration {
    use super::*;

    #[test]
    fn without_configuration_the_key_is_the_client_and_the_value_the_payload() {
        let plugin = TransformTest::<ByField>::new("{}").unwrap();
        let event = &plugin
            .one(TestRecord::value("as it is").key("ada"))
            .unwrap()[0];
        assert_eq!((&*event.client, &*event.kind), ("ada", ""));
        assert_eq!(event.payload, "as it is");
    }

    #[test]
    fn an_invalid_source_is_refused_with_a_suggestion() {
        let expected = [
            ("user.id", "/user/id"),
            ("userId", "/userId"),
            ("Key", "key"),
            ("headers:Client", "header:client"),
            ("header", "header:<name>"),
        ];
        for (wrong, meant) in expected {
            let meant = format!("did you mean {meant:?}?");
            let client = refusal(&format!(r#"{{"client":"{wrong}"}}"#));
            assert!(
                client.starts_with("config: client: ") && client.contains(&meant),
                "{client}"
            );
            let kind = refusal(&format!(r#"{{"client":"key","type":"{wrong}"}}"#));
            assert!(
                kind.starts_with("config: type: ") && kind.contains(&meant),
                "{kind}"
            );
        }
    }

    #[test]
    fn meaningless_settings_are_refused_and_named() {
        let expected = [
            (
                r#""client":"header:""#,
                "client: \"header:\" has no header name",
            ),
            (
                r#""client":"=ada""#,
                "client: \"=ada\" is a constant; only `group` and `type` may be constants",
            ),
            (r#""group":"=""#, "group: a constant needs a name after `=`"),
            (
                r#""group":"=a\nb""#,
                "invalid group name \"a\\nb\": it contains a control",
            ),
            (r#""group":"team.id""#, "group: invalid source \"team.id\""),
            (
                r#""client":"key","group":"=all""#,
                "client: has no effect with a constant `group`",
            ),
            (
                r#""client":"/a~2""#,
                "client: invalid JSON pointer \"/a~2\"",
            ),
            (
                r#""client":"key","type":"=""#,
                "type: a constant needs a type after `=`",
            ),
            (r#""client":"key","type":"=gap""#, "reserved for Millstream"),
            (r#""client":"key","type":"=a\nb""#, "control character"),
            (
                r#""client":"key","keep":["user/id"]"#,
                "did you mean \"/user/id\"?",
            ),
            (
                r#""client":"key","keep":["/a~"]"#,
                "keep: invalid JSON pointer \"/a~\"",
            ),
            (
                r#""client":"key","rename":{"/a":"b"}"#,
                "rename: \"/a\" is a pointer",
            ),
            (
                r#""client":"key","rename":{"a":"/b"}"#,
                "did you mean \"b\"?",
            ),
            (
                r#""client":"key","rename":{"a":"c","b":"c"}"#,
                "but another field gets the same name",
            ),
            (
                r#""client":"key","rename":{"a":"c"},"add":{"c":1}"#,
                "but another field gets the same name",
            ),
            (
                r#""client":"key","rename":{"a":"b"},"keep":["b"]"#,
                "\"a\" is not in `keep`",
            ),
            (
                r#""client":"key","add":{"/a":1}"#,
                "add: \"/a\" is a pointer",
            ),
            (
                r#""client":"key","filter":{"status":1}"#,
                "filter: invalid JSON pointer \"status\"",
            ),
            (
                r#""client":"key","filter":{"/a":[]}"#,
                "filter: \"/a\" has an empty list of values",
            ),
            (
                r#""clients":"key""#,
                "unknown field `clients`, expected one of `client`",
            ),
            (r#""client":7"#, "expected a string"),
        ];
        for (config, message) in expected {
            let found = refusal(&format!("{{{config}}}"));
            assert!(
                found.starts_with("config: ") && found.contains(message),
                "{config}: {found}"
            );
        }
    }
}
