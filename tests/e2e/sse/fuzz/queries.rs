use super::{config, text};
use millstream::record::GroupName;
use millstream::sse::request::{Begin, StreamRequest};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::HashSet;

/// The groups that one connection may follow.
const MOST: usize = 5;

/// As a browser would write it, or worse.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        text(),
        "([a-z%2C0D,=é+]|%[0-9a-fA-F]{2}){0,12}",
        "[0-9]{1,21}-[0-9]{1,3}",
        Just("earliest".to_owned()),
        Just("a,".repeat(40)),
        Just("é".repeat(1500)),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("client".to_owned()),
        Just("groups".to_owned()),
        Just("types".to_owned()),
        Just("from".to_owned()),
        Just("last-event-id".to_owned()),
        Just("%67roups".to_owned()),
        text(),
    ];
    let pair = (name, value()).prop_map(|(name, value)| format!("{name}={value}"));
    let pairs = vec(pair, 0..5).prop_map(|pairs| pairs.join("&"));
    prop_oneof![4 => pairs, 1 => text()]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_query_is_parsed_or_refused_with_a_message(
        query in query(),
        header in prop::option::of(prop_oneof![
            vec(any::<u8>(), 0..60),
            value().prop_map(String::into_bytes),
        ]),
    ) {
        match StreamRequest::parse(&query, header.as_deref(), MOST) {
            Err(why) => {
                prop_assert!(!why.is_empty());
            }
            Ok(asked) => {
                prop_assert!(asked.groups.len() <= MOST);
                let names: HashSet<&str> = asked.groups.iter().map(GroupName::as_str).collect();
                prop_assert_eq!(names.len(), asked.groups.len(), "each once");
                for name in names {
                    prop_assert!((1..=256).contains(&name.len()));
                    prop_assert!(!name.chars().any(char::is_control), "{name:?}");
                }
                if let Some(types) = asked.types {
                    prop_assert!((1..=64).contains(&types.len()));
                    prop_assert!(types.iter().all(|kind| !kind.is_empty()));
                }
                if header.as_ref().is_some_and(|header| !header.is_empty()) {
                    prop_assert!(matches!(asked.begin, Begin::After(_)), "the header takes precedence");
                }
            }
        }
    }
}
