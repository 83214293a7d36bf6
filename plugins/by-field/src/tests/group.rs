//! Events for groups and for clients.

use super::*;

const BOTH: &str = r#"{"client":"/user/id","group":"/team"}"#;

/// The addressee: the client, and the group.
fn of(config: &str, value: &str) -> (String, String) {
    let record = TestRecord::value(value).key("k").header("g", "staff");
    let MadeEvent { client, group, .. } = event(config, record);
    (client, group)
}

fn to_group(name: &str) -> (String, String) {
    (String::new(), name.into())
}

fn to_client(id: &str) -> (String, String) {
    (id.into(), String::new())
}

#[test]
fn it_comes_from_a_source_or_is_constant() {
    let value = r#"{"team":"blue","number":-1.50,"user":{"id":"ada"}}"#;
    assert_eq!(of(r#"{"group":"/team"}"#, value), to_group("blue"));
    assert_eq!(of(r#"{"group":"/number"}"#, value), to_group("-1.50"));
    assert_eq!(of(r#"{"group":"key"}"#, "no JSON"), to_group("k"));
    assert_eq!(of(r#"{"group":"header:g"}"#, "no JSON"), to_group("staff"));
    assert_eq!(
        of(r#"{"group":"=everyone"}"#, "no JSON"),
        to_group("everyone")
    );
}

#[test]
fn with_both_configured_the_group_wins_if_it_is_present() {
    let both = r#"{"team":"blue","user":{"id":"ada"}}"#;
    assert_eq!(of(BOTH, both), to_group("blue"));
    assert_eq!(of(BOTH, r#"{"team":"blue"}"#), to_group("blue"));
    assert_eq!(of(BOTH, r#"{"user":{"id":"ada"}}"#), to_client("ada"));
    assert_eq!(
        of(BOTH, r#"{"team":null,"user":{"id":"ada"}}"#),
        to_client("ada")
    );
    assert_eq!(
        of(r#"{"client":"key","group":"header:x"}"#, "x"),
        to_client("k")
    );
    assert_eq!(
        of(r#"{"client":"key","group":"header:g"}"#, "x"),
        to_group("staff")
    );
}

#[test]
fn an_invalid_name_is_unaddressable_and_never_falls_back_to_the_client() {
    let expected = [
        ("\"\"", "`/team` is empty"),
        (
            "true",
            "`/team` is a boolean, but a group name must be a string or a number",
        ),
        ("[]", "`/team` is an array"),
        (
            r#""a\nb""#,
            "not a valid group name: it contains a control character at byte 1",
        ),
    ];
    for (team, message) in expected {
        let value = format!(r#"{{"team":{team},"user":{{"id":"ada"}}}}"#);
        let (class, found) = failure(BOTH, TestRecord::value(&value));
        assert_eq!(class, Class::Unaddressable, "{value}");
        assert!(found.contains(message), "{value}: {found}");
    }
}

#[test]
fn without_either_a_record_is_unaddressable() {
    let missing = failure(BOTH, TestRecord::value("{}"));
    assert_eq!(
        missing,
        (Class::Unaddressable, "`/user/id` is missing".into())
    );
    // With only a group configured, the key is not used as the client.
    let record = TestRecord::value("{}").key("ada");
    let missing = failure(r#"{"group":"/team"}"#, record);
    assert_eq!(missing, (Class::Unaddressable, "`/team` is missing".into()));
}
