//! What a rule does, which rule applies, and what is refused.

use super::*;
use millstream_plugin::Slot;
use millstream_plugin::testing::{RouteTest, TestDestination, TestEvent, TestRecord};

fn route(config: &str, kind: &str) -> TestDestination {
    let plugin = RouteTest::<ByType>::new(config).unwrap();
    let event = TestEvent::new("ada", kind, "{}").record(TestRecord::value("v").key("k"));
    plugin.run(&[event]).remove(0).unwrap()
}

fn topic(config: &str, kind: &str) -> Option<String> {
    route(config, kind).topic.map(|(topic, _)| topic)
}

fn refusal(config: &str) -> String {
    RouteTest::<ByType>::new(config).err().unwrap()
}

#[test]
fn without_configuration_every_event_goes_to_its_stream() {
    let out = route("{}", "mail");
    assert_eq!((out.stream, out.topic), (Deliver::AsConfigured, None));
}

#[test]
fn a_type_has_its_own_rule_and_others_the_default() {
    let config = r#"{"default":{"deliver":"always"},"types":{
        "typing":{"deliver":"while-connected"},"secret":{"deliver":"never"}}}"#;
    assert_eq!(route(config, "typing").stream, Deliver::WhileConnected);
    assert_eq!(route(config, "secret").stream, Deliver::No);
    assert_eq!(route(config, "typing2").stream, Deliver::Always);
    assert_eq!(route(config, "").stream, Deliver::Always);
}

#[test]
fn an_exact_name_wins_then_the_longest_prefix() {
    let config = r#"{"types":{"o*":{"topic":"short"},"order.*":{"topic":"long"},
        "order.new":{"topic":"exact"},"z*":{"topic":"other"},"":{"topic":"untyped"}}}"#;
    let expected = [
        ("order.new", Some("exact")),
        ("order.new.big", Some("long")),
        ("order.", Some("long")),
        ("order", Some("short")),
        ("", Some("untyped")),
        ("mail", None),
    ];
    for (kind, expected) in expected {
        assert_eq!(topic(config, kind).as_deref(), expected, "{kind}");
    }
}

#[test]
fn an_event_in_a_topic_names_its_client_and_type() {
    let headers = route(r#"{"default":{"topic":"t"}}"#, "mail").headers;
    let header = |name: &str, value: &str| (name.to_owned(), Some(value.as_bytes().to_vec()));
    assert_eq!(
        headers,
        [
            header("millstream.client", "ada"),
            header("millstream.type", "mail")
        ]
    );
    let untyped = route(r#"{"default":{"topic":"t"}}"#, "").headers;
    assert_eq!(untyped, [header("millstream.client", "ada")]);
}

#[test]
fn a_groups_event_is_routed_alike_and_names_its_group() {
    let config = r#"{"default":{"deliver":"always"},"types":{"mail":{"topic":"t"}}}"#;
    let plugin = RouteTest::<ByType>::new(config).unwrap();
    let events = ["mail", "other"].map(|kind| TestEvent::group("staff", kind, "{}"));
    let out = plugin.run(&events);
    let (mail, other) = (out[0].as_ref().unwrap(), out[1].as_ref().unwrap());
    assert_eq!((other.stream, &other.topic), (Deliver::Always, &None));
    assert_eq!(mail.stream, Deliver::AsConfigured);
    assert_eq!(mail.topic, Some(("t".into(), Some(b"staff".to_vec()))));
    let header = |name: &str, value: &str| (name.to_owned(), Some(value.as_bytes().to_vec()));
    let expected = [
        header("millstream.group", "staff"),
        header("millstream.type", "mail"),
    ];
    assert_eq!(mail.headers, expected);
}

#[test]
fn the_key_is_the_clients_the_records_or_none() {
    let key = |key: &str| {
        let config = format!(r#"{{"default":{{"topic":"t"{key}}}}}"#);
        route(&config, "mail").topic.unwrap().1
    };
    assert_eq!(key(""), Some(b"ada".to_vec()));
    assert_eq!(key(r#","key":"client""#), Some(b"ada".to_vec()));
    assert_eq!(key(r#","key":"record""#), Some(b"k".to_vec()));
    assert_eq!(key(r#","key":"none""#), None);
}

#[test]
fn an_absent_record_key_stays_absent() {
    let config = r#"{"default":{"topic":"t","key":"record"}}"#;
    let plugin = RouteTest::<ByType>::new(config).unwrap();
    let event = TestEvent::new("ada", "mail", "{}").record(TestRecord::value("v"));
    let out = plugin.run(&[event]).remove(0).unwrap();
    assert_eq!(out.topic, Some(("t".into(), None)));
}

#[test]
fn an_unknown_key_or_value_is_refused_with_the_valid_ones() {
    let wrong = refusal(r#"{"default":{"deliver":"no"}}"#);
    let names = "one of `as-configured`, `always`, `while-connected`, `never`";
    assert!(wrong.contains(names), "{wrong}");
    let wrong = refusal(r#"{"default":{"topic":"t","key":"user"}}"#);
    assert!(
        wrong.contains("one of `client`, `record`, `none`"),
        "{wrong}"
    );
    assert!(refusal(r#"{"type":{}}"#).contains("unknown field `type`"));
    assert!(refusal(r#"{"types":{"a":{"topics":"t"}}}"#).contains("unknown field `topics`"));
}

#[test]
fn a_rule_without_effect_is_refused() {
    let rule = |name: &str| refusal(&format!(r#"{{"types":{{"{name}":{{}}}}}}"#));
    assert_eq!(
        rule("*"),
        r#"config: types."*": for all types use `default`"#
    );
    assert!(rule("a*b").contains("only allowed at the end"));
    assert!(rule("a**").contains("only allowed at the end"));
    assert!(rule("gap").contains("reserved for Millstream"));
    assert!(rule("millstream.*").contains("reserved for Millstream"));
    let keyed = refusal(r#"{"default":{"key":"none"}}"#);
    assert_eq!(
        keyed,
        "config: default: `key` has no effect without `topic`"
    );
}

#[test]
fn an_illegal_topic_is_refused() {
    let long = "t".repeat(250);
    for topic in ["", ".", "..", "a b", "a/b", "é", &long] {
        let wrong = refusal(&format!(r#"{{"types":{{"a":{{"topic":"{topic}"}}}}}}"#));
        assert!(wrong.contains(r#"types."a": topic: "#) && wrong.contains("invalid name"));
    }
}

#[test]
fn the_records_key_is_requested_only_if_a_rule_uses_it() {
    let needs = |config| ByType::new(Slot::<ByType>::config(config)).unwrap().needs();
    assert_eq!(needs(r#"{"default":{"topic":"t"}}"#), Needs::default());
    for rules in [
        r#"{"default":{"topic":"t","key":"record"}}"#,
        r#"{"types":{"a":{"topic":"t","key":"record"}}}"#,
        r#"{"types":{"a*":{"topic":"t","key":"record"}}}"#,
    ] {
        let expected = Needs {
            record: true,
            ..Needs::default()
        };
        assert_eq!(needs(rules), expected, "{rules}");
    }
}
