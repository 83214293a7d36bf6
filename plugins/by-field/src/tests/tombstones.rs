//! Records without a value.

use super::{event, failure, refusal, run};
use millstream_plugin::Class;
use millstream_plugin::testing::TestRecord;

#[test]
fn a_tombstone_is_handled_as_configured() {
    let tombstone = || TestRecord::tombstone().key("ada").header("kind", "gone");
    for config in [r#"{"tombstones":"fail"}"#, r#"{"client":"/id"}"#] {
        assert_eq!(failure(config, tombstone()).0, Class::Malformed);
    }
    for config in [
        r#"{"tombstones":"skip"}"#,
        r#"{"tombstones":"skip","client":"/id","filter":{"/a":1},"keep":["a"]}"#,
    ] {
        assert_eq!(run(config, tombstone()), Ok(None));
    }
    for (config, kind) in [
        (r#"{"tombstones":"event"}"#, ""),
        (r#"{"tombstones":"event","type":"header:kind"}"#, "gone"),
        (
            r#"{"tombstones":"event","type":"/kind","filter":{"/a":1},"keep":["a"]}"#,
            "",
        ),
    ] {
        let made = event(config, tombstone());
        let made = (&*made.client, &*made.kind, &*made.payload);
        assert_eq!(made, ("ada", kind, "null"), "{config}");
    }
    let group = event(r#"{"tombstones":"event","group":"=all"}"#, tombstone());
    assert_eq!((&*group.group, &*group.payload), ("all", "null"));
    let (class, _) = failure(r#"{"tombstones":"event"}"#, TestRecord::tombstone());
    assert_eq!(class, Class::Unaddressable);
    for config in [
        r#"{"tombstones":"event","client":"/id"}"#,
        r#"{"tombstones":"event","client":"key","group":"/team"}"#,
    ] {
        assert!(refusal(config).contains("which a tombstone lacks"));
    }
    assert!(refusal(r#"{"tombstones":"drop"}"#).contains("expected one of `skip`"));
}
