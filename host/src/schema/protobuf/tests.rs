use super::Plan;
use super::compile::compile;
use crate::schema::source::{Format, Source};
use crate::schema::{Fault, FaultKind, Limits};
use proptest::prelude::*;
use prost_reflect::prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};

const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    depth: 100,
};

fn source(text: &str, references: &[(&str, &str)]) -> Source {
    Source::new(Format::Protobuf, text).referring(references)
}

fn plan(text: &str) -> Plan {
    Plan::parse(&source(text, &[])).unwrap()
}

fn read(plan: &Plan, message: &str, bytes: &[u8]) -> Result<Value, Fault> {
    let mut out = Vec::new();
    plan.read(plan.message_of(message).unwrap(), bytes, LIMITS, &mut out)?;
    let text = String::from_utf8(out).unwrap();
    Ok(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// Every kind of field.
const ALL: &str = r#"
syntax = "proto3";
package test;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
enum Color { NONE = 0; RED = 1; ALSO_RED = 1; BLUE = 7; option allow_alias = true; }
message Inner { string text = 1; repeated int32 more = 2; All back = 3; }
message All {
  double a_double = 1;
  float a_float = 2;
  int32 an_int32 = 3;
  int64 an_int64 = 4;
  uint32 a_uint32 = 5;
  uint64 a_uint64 = 6;
  sint32 a_sint32 = 7;
  sint64 a_sint64 = 8;
  fixed32 a_fixed32 = 9;
  fixed64 a_fixed64 = 10;
  sfixed32 a_sfixed32 = 11;
  sfixed64 a_sfixed64 = 12;
  bool a_bool = 13;
  string a_string = 14;
  bytes some_bytes = 15;
  Color color = 16;
  Inner inner = 17;
  optional int32 maybe = 18;
  repeated sint64 longs = 19;
  repeated string strings = 20;
  repeated Inner inners = 21;
  repeated Color colors = 22;
  map<string, Inner> by_name = 23;
  map<int64, int32> by_long = 24;
  map<bool, bytes> by_bool = 25;
  oneof one { int32 number = 26; Inner message = 27; string word = 28; }
  string renamed = 29 [json_name = "\"as you like\""];
  repeated double unpacked = 30 [packed = false];
  google.protobuf.Timestamp timestamp = 40;
  google.protobuf.Duration duration = 41;
  google.protobuf.Struct structure = 42;
  google.protobuf.Value value = 43;
  google.protobuf.ListValue list = 44;
  google.protobuf.FieldMask mask = 45;
  google.protobuf.Int64Value wrapped = 46;
  google.protobuf.StringValue wrapped_string = 47;
  google.protobuf.Empty empty = 48;
  optional google.protobuf.NullValue nothing = 49;
  map<string, google.protobuf.Value> values = 51;
  Inner far = 536870911;
}
"#;

/// A message of these fields: number, wire type, value.
fn wire(fields: &[(u32, u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, kind, value) in fields {
        varint(u64::from(*number) << 3 | u64::from(*kind), &mut bytes);
        if *kind == 2 {
            varint(value.len() as u64, &mut bytes);
        }
        bytes.extend(value);
    }
    bytes
}

/// The library makes an entry of a map's field of another wire type.
fn without_odd_maps((number, kind, value): (u32, u8, Vec<u8>)) -> (u32, u8, Vec<u8>) {
    let is_map = matches!(number, 23..=25 | 51);
    (if is_map && kind != 2 { 60 } else { number }, kind, value)
}

fn varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn of_varint(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint(number, &mut bytes);
    bytes
}

/// A message that is often almost right, of fields of [`ALL`] and of its well-known ones.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![1..=51_u32, 1..=6_u32, Just(536_870_911)];
    let scalar = prop_oneof![
        4 => any::<u64>().prop_map(|n| (0, of_varint(n))),
        4 => (0..40_u64).prop_map(|n| (0, of_varint(n))),
        2 => any::<[u8; 8]>().prop_map(|b| (1, b.to_vec())),
        2 => any::<[u8; 4]>().prop_map(|b| (5, b.to_vec())),
        4 => "[a-z_]{0,5}".prop_map(|s| (2, s.into_bytes())),
        1 => prop::collection::vec(any::<u8>(), 0..6).prop_map(|b| (2, b)),
    ];
    let flat = prop::collection::vec((number.clone(), scalar.clone()), 0..5);
    let flat = flat.prop_map(|fields| {
        let fields = fields
            .into_iter()
            .map(|(n, (kind, value))| (n, kind, value));
        let fields: Vec<_> = fields.map(without_odd_maps).collect();
        wire(&fields)
    });
    flat.prop_recursive(4, 40, 5, move |inner| {
        let value = prop_oneof![
            scalar.clone(),
            inner.clone().prop_map(|bytes| (2_u8, bytes)),
            inner.prop_map(|bytes| (2_u8, bytes)),
        ];
        let fields = prop::collection::vec((number.clone(), value), 0..6);
        fields.prop_map(|fields| {
            let fields = fields
                .into_iter()
                .map(|(n, (kind, value))| (n, kind, value));
            let fields: Vec<_> = fields.map(without_odd_maps).collect();
            wire(&fields)
        })
    })
}

/// What the library makes of it.
fn reference(of: &MessageDescriptor, bytes: &[u8]) -> Option<Value> {
    let message = DynamicMessage::decode(of.clone(), bytes).ok()?;
    let text = serde_json::to_string(&message).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn any_message_is_read_as_the_library_reads_it() {
    let plan = plan(ALL);
    let file = compile(&source(ALL, &[])).unwrap();
    let all = file
        .messages()
        .find(|message| message.name() == "All")
        .unwrap();
    let well = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(4000));
    let ran = runner.run(&message(), |bytes| {
        let ours = read(&plan, "test.All", &bytes);
        // The library refuses a field of another wire type, which is an unknown one for others. It
        // takes times that the standard refuses.
        let Some(expected) = reference(&all, &bytes) else {
            return Ok(());
        };
        match ours {
            Err(fault) if fault.to_string().contains(" s and ") => {}
            ours => {
                prop_assert_eq!(
                    ours.map_err(|fault| fault.to_string()),
                    Ok(expected.clone())
                );
                written_back(&plan, &all, &expected)?;
            }
        }
        well.set(well.get() + 1);
        Ok(())
    });
    ran.unwrap();
    println!("the library reads {} of such messages", well.get());
    assert!(well.get() > 400);
}

/// What is written of JSON reads back as that, here and by the library.
fn written_back(plan: &Plan, all: &MessageDescriptor, json: &Value) -> Result<(), TestCaseError> {
    let written = write(plan, "test.All", json);
    // A number of JSON may be beyond 32 bits; the library has more digits for them.
    let written = written.map_err(|fault| TestCaseError::fail(format!("{json}: {fault}")))?;
    let again = read(plan, "test.All", &written).map_err(|fault| fault.to_string());
    prop_assert_eq!(again, Ok(json.clone()));
    prop_assert_eq!(reference(all, &written), Some(json.clone()));
    Ok(())
}

fn write(plan: &Plan, message: &str, json: &Value) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    plan.write(plan.message_of(message).unwrap(), json, LIMITS, &mut out)?;
    Ok(out)
}

#[test]
fn json_as_others_write_it_is_written_as_the_library_writes_it() {
    let plan = plan(ALL);
    let file = compile(&source(ALL, &[])).unwrap();
    let all = file.parent_pool().get_message_by_name("test.All").unwrap();
    for json in [
        json!({"an_int32": "7", "anInt64": 8, "aBool": false, "aString": ""}),
        json!({"maybe": 0, "longs": ["-1", 2], "strings": [""], "inners": [{}, {"text": "x"}]}),
        json!({"byLong": {"-5": 1, "7": 0}, "byBool": {"true": "AQ==", "false": ""}, "byName": {"a": {}}}),
        json!({"number": 0}),
        json!({"aFloat": "NaN", "aDouble": "-Infinity", "unpacked": [1, 2.5]}),
        json!({"timestamp": "2026-11-28T07:20:00.000000001+02:00", "duration": "-1.5s"}),
        json!({"timestamp": "1969-12-31T23:59:59.5Z", "duration": "0s"}),
        json!({"structure": {"a": [1, "b", null, {"c": true}]}, "value": null, "list": []}),
        json!({"mask": "user.displayName,photo", "wrapped": "0", "wrappedString": null, "empty": {}}),
        json!({"nothing": null, "values": {"x": null}, "inner": null}),
        json!({"colors": [0, 1, "ALSO_RED"], "far": {}}),
    ] {
        let text = json.to_string();
        let mut parsed = serde_json::Deserializer::from_str(&text);
        let expected = DynamicMessage::deserialize(all.clone(), &mut parsed).unwrap();
        let written = write(&plan, "test.All", &json).unwrap();
        let expected = reference(&all, &expected.encode_to_vec());
        assert_eq!(reference(&all, &written), expected, "{json}");
    }
}

#[test]
fn json_that_does_not_fit_is_refused_with_its_place() {
    let plan = plan(ALL);
    for (json, says) in [
        (json!(7), "an object was expected, and 7 found"),
        (
            json!({"nothere": 1}),
            "the message test.All has no field \"nothere\"",
        ),
        (json!({"anInt32": 1, "an_int32": 1}), "are the same field"),
        (json!({"number": 1, "word": "x"}), "exclude each other"),
        (
            json!({"anInt32": 1.5}),
            "field /anInt32: an integer was expected, and 1.5 found",
        ),
        (
            json!({"anInt32": 3_000_000_000_u32}),
            "a number of 32 bits was expected",
        ),
        (
            json!({"strings": ["a", 1]}),
            "field /strings/1: a string was expected",
        ),
        (
            json!({"byName": {"k": {"nothere": 1}}}),
            "field /byName/k: the message",
        ),
        (
            json!({"byLong": {"x": 1}}),
            "field /byLong/x: an integer was expected",
        ),
        (
            json!({"colors": ["PURPLE"]}),
            "a symbol of the enum was expected, and \"PURPLE\" found",
        ),
        (
            json!({"aFloat": 1e300}),
            "field /aFloat: a number in the range of 32 bits",
        ),
        (
            json!({"timestamp": "9999-12-31T23:59:59-10:00"}),
            "the years 1 to 9999",
        ),
        (
            json!({"timestamp": "now"}),
            "field /timestamp: a time such as",
        ),
        (
            json!({"duration": "1.0000000001s"}),
            "field /duration: a duration such as",
        ),
    ] {
        let fault = write(&plan, "test.All", &json).unwrap_err().to_string();
        assert!(fault.contains(says), "{fault} does not contain {says}");
    }
    let mut deep = json!({});
    for _ in 0..60 {
        deep = json!({"inner": {"back": deep}});
    }
    let fault = write(&plan, "test.All", &deep).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::TooLarge);
}

#[test]
fn a_name_of_json_counts_before_one_of_the_file() {
    let plan = plan(
        r#"syntax = "proto2"; message M {
            required string foo = 1 [json_name = "bar"];
            optional string bar = 2 [json_name = "baz"]; }"#,
    );
    let json = json!({"bar": "x", "baz": "y"});
    let written = write(&plan, "M", &json).unwrap();
    assert_eq!(
        written,
        wire(&[(1, 2, b"x".to_vec()), (2, 2, b"y".to_vec())])
    );
    assert_eq!(read(&plan, "M", &written).unwrap(), json);
    let fault = write(&plan, "M", &json!({"baz": "y"})).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "field /bar: it is missing, and the schema requires it"
    );
}

#[test]
fn fields_come_in_any_order_in_parts_and_more_than_once() {
    let plan = plan(ALL);
    let inner = |text: &str| wire(&[(1, 2, text.into())]);
    let more = wire(&[(2, 2, vec![1, 2])]);
    let bytes = wire(&[
        (20, 2, b"x".to_vec()),
        (17, 2, inner("first")),
        (3, 0, vec![7]),
        (17, 2, more),
        (20, 2, b"y".to_vec()),
        (3, 0, vec![8]),
        (26, 0, vec![1]),
        (27, 2, inner("gone")),
        (28, 2, b"gone, too".to_vec()),
        (27, 2, inner("stays")),
        (23, 2, wire(&[(1, 2, b"k".to_vec()), (2, 2, inner("old"))])),
        (23, 2, wire(&[(2, 2, inner("new")), (1, 2, b"k".to_vec())])),
        (23, 2, vec![]),
        (19, 2, vec![2, 4]),
        (19, 0, vec![6]),
        (99, 2, b"unknown".to_vec()),
        (16, 0, vec![1]),
        (22, 2, vec![1, 7, 9]),
    ]);
    let seen = read(&plan, "test.All", &bytes).unwrap();
    let expected = json!({
        "anInt32": 8, "color": "RED", "inner": {"text": "first", "more": [1, 2]},
        "longs": ["1", "2", "3"], "strings": ["x", "y"], "colors": ["RED", "BLUE", 9],
        "byName": {"k": {"text": "new"}, "": {}}, "message": {"text": "stays"},
    });
    assert_eq!(seen, expected);
}

#[test]
fn groups_and_defaults_of_the_old_syntax_are_read() {
    let plan = plan(
        r#"syntax = "proto2"; package old;
        message M {
            optional int32 a = 1 [default = 7];
            required string b = 2;
            repeated group Part = 3 { optional int32 c = 4; }
            extensions 100 to 200;
        }
        extend M { optional int32 more = 100; }"#,
    );
    let bytes = wire(&[
        (2, 2, vec![]),
        (3, 3, vec![]),
        (4, 0, vec![0]),
        (3, 4, vec![]),
    ]);
    let seen = read(
        &plan,
        "old.M",
        &[&bytes[..], &bytes, &wire(&[(100, 0, vec![1])])].concat(),
    );
    assert_eq!(
        seen.unwrap(),
        json!({"b": "", "part": [{"c": 0}, {"c": 0}]})
    );
    for (bytes, says) in [
        (wire(&[(3, 3, vec![])]), "field /part: a group does not end"),
        (
            wire(&[(3, 4, vec![])]),
            "field /part: a group ends that did not begin",
        ),
        (
            wire(&[(3, 3, vec![]), (5, 4, vec![])]),
            "field /part: a group ends",
        ),
    ] {
        let fault = read(&plan, "old.M", &bytes).unwrap_err().to_string();
        assert!(fault.starts_with(says), "{fault}");
    }
}

#[test]
fn any_shows_the_message_in_it() {
    let text = r#"syntax = "proto3"; package a;
        import "google/protobuf/any.proto"; import "google/protobuf/duration.proto";
        message M { google.protobuf.Any any = 1; string s = 2; google.protobuf.Duration d = 3; }"#;
    let plan = plan(text);
    let any = |url: &str, value: Vec<u8>| {
        let any = wire(&[(1, 2, url.into()), (2, 2, value)]);
        read(&plan, "a.M", &wire(&[(1, 2, any)])).unwrap()
    };
    let m = wire(&[(2, 2, b"in".to_vec())]);
    let url = "type.googleapis.com/a.M";
    assert_eq!(any(url, m), json!({"any": {"@type": url, "s": "in"}}));
    let url = "type.googleapis.com/google.protobuf.Duration";
    let second = wire(&[(1, 0, vec![1])]);
    assert_eq!(
        any(url, second),
        json!({"any": {"@type": url, "value": "1s"}})
    );
    let url = "type.googleapis.com/other.M";
    assert_eq!(
        any(url, vec![1, 2]),
        json!({"any": {"@type": url, "value": "AQI="}})
    );
}

#[test]
fn messages_are_found_by_their_place() {
    let plan = plan(
        r#"syntax = "proto3"; message A { message B {} message C { message D {} } } message E {}"#,
    );
    for (place, name) in [
        (&[0][..], Some("A")),
        (&[0, 1, 0], Some("A.C.D")),
        (&[1], Some("E")),
        (&[2], None),
        (&[0, 2], None),
        (&[], None),
    ] {
        assert_eq!(plan.at(place).map(|id| plan.name(id)), name);
    }
}

#[test]
fn other_files_are_found_by_the_names_that_import_them() {
    let text = r#"syntax = "proto3"; import "common/a.proto"; import "confluent/type/decimal.proto";
        message M { common.A a = 1; confluent.type.Decimal d = 2; }"#;
    let a = r#"syntax = "proto3"; package common; import "b.proto"; message A { B b = 1; }"#;
    let b = r#"syntax = "proto3"; package common; message B { int32 n = 1; }"#;
    let references = [("common/a.proto", a), ("b.proto", b)];
    let plan = Plan::parse(&source(text, &references)).unwrap();
    let bytes = wire(&[(1, 2, wire(&[(1, 2, wire(&[(1, 0, vec![5])]))]))]);
    assert_eq!(
        read(&plan, "M", &bytes).unwrap(),
        json!({"a": {"b": {"n": 5}}})
    );
    let missing = Plan::parse(&source(text, &references[..1])).err().unwrap();
    assert!(format!("{missing:#}").contains("b.proto"), "{missing:#}");
}

/// As Python's serializer registers them.
#[test]
fn a_compiled_file_is_read() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let file = compile(&source(ALL, &[])).unwrap();
    let bytes = file.file_descriptor_proto().encode_to_vec();
    let plan = plan(&STANDARD.encode(bytes));
    let seen = read(&plan, "test.All", &wire(&[(3, 0, vec![7])])).unwrap();
    assert_eq!(seen, json!({"anInt32": 7}));
}

#[test]
fn what_is_beyond_the_limits_is_refused() {
    let plan = plan(ALL);
    let mut nested = Vec::new();
    for _ in 0..200 {
        // All.inner.back.inner...
        nested = wire(&[(17, 2, wire(&[(3, 2, nested)]))]);
    }
    let fault = read(&plan, "test.All", &nested).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::TooLarge);
    let groups = wire(&vec![(90, 3, vec![]); 100_000]);
    let fault = read(&plan, "test.All", &groups).unwrap_err();
    assert_eq!(fault.to_string(), "groups are nested too deep");
    // Each byte is a boolean: five in JSON and a comma.
    let many = wire(&[(22, 2, vec![1; 300_000])]);
    let fault = read(&plan, "test.All", &many).unwrap_err();
    assert!(
        fault
            .to_string()
            .contains("as JSON the value is larger than"),
        "{fault}"
    );
}

/// Each message has many oneofs, and takes two bytes.
#[test]
fn many_small_messages_of_a_large_type_are_refused_soon() {
    let fields: String = (0..2000)
        .map(|n| {
            format!(
                "oneof o{n} {{ int32 a{n} = {}; int32 b{n} = {}; }}",
                10 + 2 * n,
                11 + 2 * n
            )
        })
        .collect();
    let text = format!(
        r#"syntax = "proto3"; message M {{ repeated M all = 1; {fields} map<int32, M> map = 9; }}"#
    );
    let plan = plan(&text);
    for number in [1, 9] {
        let many = wire(&vec![(number, 2, vec![]); 200_000]);
        let fault = read(&plan, "M", &many).unwrap_err();
        assert!(
            fault.to_string().contains("far more elements than bytes"),
            "{fault}"
        );
    }
    // A oneof of one field needs no look at the others.
    let optional = r#"syntax = "proto3"; message M { optional int32 a = 1; }"#;
    assert_eq!(
        super::Plan::parse(&source(optional, &[])).unwrap().messages[0].oneofs,
        0
    );
}

#[test]
fn a_hostile_schema_is_refused() {
    let wide = (1..70_000).map(|n| format!("int32 f{n} = {n};"));
    let wide = wide.collect::<String>();
    let many = (0..30_000)
        .map(|n| format!("message M{n} {{}}"))
        .collect::<String>();
    for text in [
        "message",
        r#"syntax = "proto3"; message M { Missing m = 1; }"#,
        r#"syntax = "proto3"; import "millstream-schema.proto"; message M {}"#,
        r#"syntax = "proto3"; import "/etc/passwd"; message M {}"#,
        r#"syntax = "proto3"; message M { int32 a = 1; int32 b = 1; }"#,
        &format!(r#"syntax = "proto3"; message M {{ {wide} }}"#),
        &format!(r#"syntax = "proto3"; {many}"#),
    ] {
        let refused = Plan::parse(&source(text, &[]));
        assert!(refused.is_err(), "{}", &text[..text.len().min(80)]);
    }
}
