use super::Plan;
use crate::schema::source::{Format, Source};
use crate::schema::{Fault, FaultKind, Limits, Table};
use serde_json::json;

const LIMITS: Limits = Limits {
    bytes: 1 << 16,
    depth: 20,
};

fn source(text: &str, references: &[(&str, &str)]) -> Source {
    Source::new(Format::Avro, text).referring(references)
}

fn plan(text: &str) -> Plan {
    Plan::parse(&source(text, &[])).unwrap()
}

fn read_as(plan: &Plan, bytes: &[u8], table: Table) -> Result<String, Fault> {
    let mut out = Vec::new();
    plan.read(bytes, table, LIMITS, &mut out)?;
    let text = String::from_utf8(out).unwrap();
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
    Ok(text)
}

fn read(schema: &str, bytes: &[u8]) -> Result<String, Fault> {
    read_as(&plan(schema), bytes, Table::default())
}

/// The bytes of the Avro specification: a length or an int that fits a byte.
const fn zig(number: i8) -> u8 {
    ((number << 1) ^ (number >> 7)) as u8
}

#[test]
fn every_type_is_written_by_the_table() {
    for (schema, bytes, text) in [
        (r#""null""#, &[][..], "null"),
        (r#""boolean""#, &[1], "true"),
        (r#""int""#, &[zig(-5)], "-5"),
        (
            r#""long""#,
            &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            "9223372036854775807",
        ),
        (r#""long""#, &[0xff; 9], ""),
        (r#""float""#, &[0, 0, 0xc0, 0x3f], "1.5"),
        (r#""float""#, &[0, 0, 0xc0, 0x7f], "\"NaN\""),
        (
            r#""double""#,
            &[0, 0, 0, 0, 0, 0, 0xf0, 0xff],
            "\"-Infinity\"",
        ),
        (r#""bytes""#, &[zig(2), 0xff, 0], "\"/wA=\""),
        (
            r#""string""#,
            &[zig(4), b'"', b'\n', 0xc3, 0xa4],
            "\"\\\"\\nä\"",
        ),
        (
            r#"{"type":"array","items":"int"}"#,
            &[zig(2), zig(1), zig(2), zig(-1), zig(1), zig(3), 0],
            "[1,2,3]",
        ),
        (r#"{"type":"array","items":"int"}"#, &[0], "[]"),
        (
            r#"{"type":"map","values":"int"}"#,
            &[zig(1), zig(1), b'a', zig(7), zig(1), zig(1), b'b', 0, 0],
            r#"{"a":7,"b":0}"#,
        ),
        (r#"["null","int"]"#, &[zig(1), zig(7)], "7"),
        (r#"["int","null"]"#, &[zig(1)], "null"),
        (r#"["int","null"]"#, &[zig(0), zig(7)], "7"),
        (r#"["null","int","string"]"#, &[zig(0)], "null"),
        (
            r#"["null","int","string"]"#,
            &[zig(2), zig(1), b'a'],
            r#"{"string":"a"}"#,
        ),
        (r#"["int"]"#, &[zig(0), zig(1)], r#"{"int":1}"#),
        (
            r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
            &[zig(1)],
            "\"B\"",
        ),
        (
            r#"{"type":"fixed","name":"F","size":3}"#,
            &[1, 2, 3],
            "\"AQID\"",
        ),
        (
            r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#,
            &[zig(2), 0xff, 0x85],
            "\"-1.23\"",
        ),
        (
            r#"{"type":{"type":"fixed","name":"D","size":2},"logicalType":"decimal","precision":4,"scale":1}"#,
            &[0, 5],
            "\"0.5\"",
        ),
        (
            r#"{"type":"bytes","logicalType":"big-decimal"}"#,
            &[zig(3), zig(1), 15, zig(1)],
            "\"1.5\"",
        ),
        (
            r#"{"type":"string","logicalType":"uuid"}"#,
            &[zig(1), b'u'],
            "\"u\"",
        ),
        (
            r#"{"type":{"type":"fixed","name":"U","size":16},"logicalType":"uuid"}"#,
            &[0xab; 16],
            "\"abababab-abab-abab-abab-abababababab\"",
        ),
        (
            r#"{"type":"int","logicalType":"date"}"#,
            &[zig(1)],
            "\"1970-01-02\"",
        ),
        (
            r#"{"type":"int","logicalType":"time-millis"}"#,
            &[zig(1)],
            "\"00:00:00.001\"",
        ),
        (
            r#"{"type":"long","logicalType":"time-micros"}"#,
            &[zig(1)],
            "\"00:00:00.000001\"",
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            &[zig(-1)],
            "\"1969-12-31T23:59:59.999Z\"",
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-micros"}"#,
            &[zig(1)],
            "\"1970-01-01T00:00:00.000001Z\"",
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-nanos"}"#,
            &[zig(1)],
            "\"1970-01-01T00:00:00.000000001Z\"",
        ),
        (
            r#"{"type":"long","logicalType":"local-timestamp-millis"}"#,
            &[zig(1)],
            "\"1970-01-01T00:00:00.001\"",
        ),
        (
            r#"{"type":{"type":"fixed","name":"P","size":12},"logicalType":"duration"}"#,
            &[1, 0, 0, 0, 2, 0, 0, 0, 0xdd, 5, 0, 0],
            "\"P1M2DT1.501S\"",
        ),
        (r#"{"type":"int","logicalType":"mine"}"#, &[zig(3)], "3"),
        (
            r#"{"type":"string","logicalType":"date"}"#,
            &[zig(0)],
            "\"\"",
        ),
    ] {
        if text.is_empty() {
            assert!(read(schema, bytes).is_err());
            continue;
        }
        assert_eq!(read(schema, bytes).unwrap(), text, "{schema}");
        let written = write(schema, text);
        // Several blocks of an array are written as one.
        let again = read(schema, written.as_ref().unwrap()).unwrap();
        assert_eq!(again, text, "{schema}");
    }
}

fn write(schema: &str, json: &str) -> Result<Vec<u8>, Fault> {
    let mut out = b"before".to_vec();
    let parsed = serde_json::from_str(json).unwrap();
    plan(schema).write(&parsed, json.len(), LIMITS, &mut out)?;
    Ok(out.split_off(6))
}

/// What a library reads in it.
fn by_library(schema: &str, bytes: &[u8]) -> apache_avro::types::Value {
    let schema = apache_avro::Schema::parse_str(schema).unwrap();
    let reader = apache_avro::reader::datum::GenericDatumReader::builder(&schema)
        .build()
        .unwrap();
    reader.read_value(&mut &bytes[..]).unwrap()
}

const ORDER: &str = r#"{"type":"record","name":"Order","fields":[
    {"name":"n","type":"long"},
    {"name":"note","type":["null","string"],"default":null},
    {"name":"tags","type":{"type":"array","items":"string"},"default":["a","b"]},
    {"name":"raw","type":"bytes","default":"\u00ff"},
    {"name":"choice","type":["int","string"],"default":"seven"},
    {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2},"default":"\u0001"},
    {"name":"inner","type":{"type":"record","name":"Inner","fields":[
        {"name":"a","type":"int","default":1},
        {"name":"next","type":["null","Inner"],"default":null}]},"default":{}}]}"#;

#[test]
fn missing_fields_have_their_defaults() {
    let written = write(ORDER, r#"{"n": 7, "inner": {"next": {"a": 2}}}"#).unwrap();
    let seen = read(ORDER, &written).unwrap();
    let expected = json!({
        "n": 7, "note": null, "tags": ["a", "b"], "raw": "/w==", "choice": {"string": "seven"},
        "price": "0.01", "inner": {"a": 1, "next": {"a": 2, "next": null}}
    });
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&seen).unwrap(),
        expected
    );
    by_library(ORDER, &written);
    let bomb = format!(
        r#"{{"type":"array","items":{{"type":"record","name":"R","fields":[
            {{"name":"a","type":"string","default":"{}"}}]}}}}"#,
        "x".repeat(1000)
    );
    let fault = write(&bomb, &format!("[{}{{}}]", "{},".repeat(10_000))).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::TooLarge);
}

#[test]
fn what_is_written_is_read_by_the_library() {
    use apache_avro::types::Value as Of;
    for (schema, json, value) in [
        (r#""long""#, "9007199254740993", Of::Long((1 << 53) + 1)),
        (r#""long""#, "\"-9223372036854775808\"", Of::Long(i64::MIN)),
        (r#""int""#, "1.0", Of::Int(1)),
        (r#""double""#, "1e300", Of::Double(1e300)),
        (
            r#"["int","string"]"#,
            r#"{"string":"a"}"#,
            Of::Union(1, Box::new(Of::String("a".into()))),
        ),
        (
            r#"["null","string"]"#,
            "null",
            Of::Union(0, Box::new(Of::Null)),
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-micros"}"#,
            "\"2026-11-28T07:20:00.5+02:00\"",
            Of::TimestampMicros(1_795_843_200_500_000),
        ),
        (
            r#"{"type":"int","logicalType":"date"}"#,
            "\"0001-01-01\"",
            Of::Date(-719_162),
        ),
        (
            r#"{"type":"int","logicalType":"date"}"#,
            "20000",
            Of::Date(20_000),
        ),
        (
            r#"{"type":"int","logicalType":"time-millis"}"#,
            "\"23:59:59.999\"",
            Of::TimeMillis(86_399_999),
        ),
        (
            r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
            "\"B\"",
            Of::Enum(1, "B".into()),
        ),
    ] {
        let written = write(schema, json).unwrap();
        assert_eq!(by_library(schema, &written), value, "{schema} {json}");
    }
}

#[test]
fn little_json_that_means_much_work_is_refused_soon() {
    let nulls = vec!["null"; 200_000].join(",");
    let list = format!(
        r#"{{"type":"array","items":{{"type":"record","name":"N","fields":[
            {{"name":"a","type":{{"type":"array","items":"null"}},"default":[{nulls}]}}]}}}}"#
    );
    let wide: String = (0..20_000)
        .map(|n| format!(r#"{{"name":"f{n}","type":"null","default":null}},"#))
        .collect();
    let wide = format!(
        r#"{{"type":"array","items":{{"type":"record","name":"W","fields":[{}]}}}}"#,
        wide.trim_end_matches(',')
    );
    for schema in [list, wide] {
        let fault = write(&schema, &format!("[{}{{}}]", "{},".repeat(100_000))).unwrap_err();
        assert!(fault.to_string().contains("far more elements"), "{fault}");
    }
    // Symbols that are compared count, too.
    let symbols: Vec<String> = (0..20_000).map(|n| format!("\"S{n}\"")).collect();
    let symbols = symbols.join(",");
    let items = format!(r#"{{"type":"enum","name":"E","symbols":[{symbols}]}}"#);
    let list = format!(r#"{{"type":"array","items":{items}}}"#);
    let many = vec!["\"S19999\""; 100_000].join(",");
    let fault = write(&list, &format!("[{many}]")).unwrap_err();
    assert!(fault.to_string().contains("far more elements"), "{fault}");
    let decimal = r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#;
    let long = format!("\"{}.000\"", "1".repeat(1 << 20));
    assert_eq!(
        write(decimal, &long).unwrap_err().kind(),
        FaultKind::TooLarge
    );
}

/// Each branch reads the text again, or fills a decimal up to its size.
#[test]
fn a_default_that_many_branches_try_in_vain_is_refused_soon() {
    let fixed = |n| format!(r#"{{"type":"fixed","name":"F{n}","size":1}},"#);
    let fixed: String = (0..5_000).map(fixed).collect();
    let long = "x".repeat(100_000);
    let decimal = format!(
        r#"{{"type":"fixed","name":"D","size":{},"logicalType":"decimal","precision":4}},"#,
        16 << 20
    );
    for (branches, default) in [(fixed, &*long), (decimal, "1")] {
        let inner = format!(
            r#"{{"type":"record","name":"I","fields":[{{"name":"u","type":[{branches}"string"]}}]}}"#
        );
        let schema = format!(
            r#"{{"type":"record","name":"R","fields":[
                {{"name":"i","type":{inner},"default":{{"u":"{default}"}}}}]}}"#
        );
        let fault = write(&schema, "{}").unwrap_err();
        assert!(fault.to_string().contains("far more elements"), "{fault}");
    }
}

#[test]
fn what_is_read_can_be_written() {
    let timestamp = r#"{"type":"long","logicalType":"timestamp-millis"}"#;
    let big = r#"{"type":"bytes","logicalType":"big-decimal"}"#;
    let nested = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    let deep = "{\"next\":".repeat(19) + "{\"next\":null}" + &"}".repeat(19);
    for (schema, json) in [
        (timestamp, "\"+292278994-08-17T07:12:55.807Z\""),
        (timestamp, "\"-292275055-05-16T16:47:04.192Z\""),
        (
            r#"{"type":"int","logicalType":"time-millis"}"#,
            "\"-00:00:00.001\"",
        ),
        (
            r#"{"type":"long","logicalType":"time-micros"}"#,
            "\"25:00:00.000000\"",
        ),
        (big, "\"1E-5000\""),
        (big, "\"15E7\""),
        (big, "\"0.0000001\""),
        (nested, &*deep),
    ] {
        let written = write(schema, json).unwrap_or_else(|fault| panic!("{json}: {fault}"));
        assert_eq!(read(schema, &written).unwrap(), json, "{schema}");
    }
    let seen = read(big, &write(big, "1.5e-10").unwrap()).unwrap();
    assert_eq!(seen, "\"0.00000000015\"");
    let seen = read(
        "\"double\"",
        &write("\"double\"", "31.245270191439438").unwrap(),
    )
    .unwrap();
    assert_eq!(seen, "31.245270191439438");
    assert_eq!(
        write("\"bytes\"", "\"_-8\"").unwrap(),
        write("\"bytes\"", "\"/+8=\"").unwrap()
    );
}

#[test]
fn json_that_does_not_fit_is_refused_with_its_place() {
    let order = |fields: &str| format!("{{\"n\":1,{fields}}}");
    for (json, says) in [
        ("7", "an object was expected, and 7 found"),
        ("{}", "field /n: it is missing and has no default"),
        (
            r#"{"n":"x"}"#,
            "field /n: an integer was expected, and \"x\" found",
        ),
        (
            r#"{"n":1.5}"#,
            "field /n: an integer was expected, and 1.5 found",
        ),
        (
            r#"{"n":9223372036854775808}"#,
            "a number of 64 bits was expected",
        ),
        (&order(r#""nota":1"#), "the schema has no field \"nota\""),
        (
            &order(r#""note":1"#),
            "field /note: a string was expected, and 1 found",
        ),
        (
            &order(r#""tags":["a",null]"#),
            "field /tags/1: a string was expected, and null found",
        ),
        (&order(r#""raw":"?""#), "field /raw: base64 was expected"),
        (
            &order(r#""choice":7"#),
            "such as {\"int\": ...}; the branches are: int, string",
        ),
        (
            &order(r#""choice":{"long":7}"#),
            "the branches are: int, string",
        ),
        (
            &order(r#""choice":{"int":"7x"}"#),
            "field /choice/int: an integer was expected",
        ),
        (
            &order(r#""price":"1.234""#),
            "more than 2 digits after the point",
        ),
        (
            &order(r#""price":"1,2""#),
            "a decimal such as \"12.50\" was expected",
        ),
        (&order(r#""price":"1e4000""#), "more digits than the type"),
        (&order(r#""price":"12345678.90""#), "more than 9 digits"),
        (
            &order(r#""price":1234567.123456789"#),
            "write a decimal as a string",
        ),
    ] {
        let fault = write(ORDER, json).unwrap_err().to_string();
        assert!(fault.contains(says), "{fault} does not contain {says}");
    }
    for (schema, json, says) in [
        (
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            "\"2026-11-28T05:20:00.1234Z\"",
            "more than 3 digits",
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            "\"2026-11-28 05:20\"",
            "a time such as",
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-nanos"}"#,
            "\"9999-01-01T00:00:00Z\"",
            "out of the type's range",
        ),
        (
            r#"{"type":"long","logicalType":"local-timestamp-millis"}"#,
            "\"2026-11-28T05:20:00Z\"",
            "a local time such as",
        ),
        (
            r#"{"type":"int","logicalType":"date"}"#,
            "\"yesterday\"",
            "a date such as",
        ),
        (
            r#"{"type":"fixed","name":"F","size":3}"#,
            "\"AQ==\"",
            "3 bytes were expected, and 1 found",
        ),
        (
            r#"{"type":{"type":"fixed","name":"D","size":1},"logicalType":"decimal","precision":2,"scale":0}"#,
            "\"200\"",
            "more than 2 digits",
        ),
        (
            r#"{"type":"enum","name":"E","symbols":["A"]}"#,
            "\"C\"",
            "a symbol of the enum was expected, and \"C\" found",
        ),
    ] {
        let fault = write(schema, json).unwrap_err().to_string();
        assert!(
            fault.contains(says),
            "{schema}: {fault} does not contain {says}"
        );
    }
}

#[test]
fn longs_and_times_are_written_as_configured() {
    let table = Table {
        longs_are_strings: true,
        timestamps_are_numbers: true,
    };
    for (kind, text) in [
        (r#""long""#, "\"7\""),
        (r#""int""#, "7"),
        (
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            "\"7\"",
        ),
        (r#"{"type":"int","logicalType":"date"}"#, "7"),
        (r#"{"type":"int","logicalType":"time-millis"}"#, "7"),
    ] {
        assert_eq!(read_as(&plan(kind), &[zig(7)], table).unwrap(), text);
    }
}

const TREE: &str = r#"{"type":"record","name":"shop.Tree","fields":[
    {"name":"name","type":"string"},
    {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["A","B"]},"default":"A"},
    {"name":"other","type":["null","Kind"],"default":null},
    {"name":"under","type":{"type":"array","items":"Tree"}}]}"#;

#[test]
fn a_type_may_contain_itself() {
    let leaf = |name: u8| vec![zig(1), name, zig(1), zig(1), zig(0), 0];
    let mut tree = vec![zig(1), b'a', zig(0), zig(0), zig(2)];
    tree.extend([leaf(b'b'), leaf(b'c')].concat());
    tree.push(0);
    let leaf = |name: &str| json!({"name": name, "kind": "B", "other": "A", "under": []});
    let expected =
        json!({"name": "a", "kind": "A", "other": null, "under": [leaf("b"), leaf("c")]});
    let read = read(TREE, &tree).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&read).unwrap(),
        expected
    );
    assert!(
        read.starts_with(r#"{"name":"a","kind":"A","#),
        "in the schema's order: {read}"
    );
    assert_eq!(plan(TREE).name(), "shop.Tree");
}

#[test]
fn types_of_other_schemas_are_found_by_their_names() {
    let address =
        r#"{"type":"record","name":"shop.Address","fields":[{"name":"city","type":"shop.City"}]}"#;
    let city = r#"{"type":"record","name":"City","namespace":"shop","fields":[{"name":"zip","type":"string"}]}"#;
    let order = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"to","type":"Address"},{"name":"from","type":["int","shop.Address","null"]}]}"#;
    let references = [("shop.Address", address), ("shop.City", city)];
    let plan = Plan::parse(&source(order, &references)).unwrap();
    let read = read_as(
        &plan,
        &[zig(1), b'1', zig(1), zig(1), b'2'],
        Table::default(),
    );
    assert_eq!(
        read.unwrap(),
        r#"{"to":{"city":{"zip":"1"}},"from":{"shop.Address":{"city":{"zip":"2"}}}}"#
    );
    assert!(Plan::parse(&source(order, &references[..1])).is_err());
}

#[test]
fn what_the_schema_does_not_say_is_malformed_with_its_place() {
    let nested = r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":["null","int","string"]}}]}"#;
    for (schema, bytes, says) in [
        (r#""int""#, &[][..], "1 bytes were expected, and 0 are left"),
        (r#""int""#, &[0x80], "2 bytes were expected, and 1 are left"),
        (r#""int""#, &[0, 0], "1 bytes follow the value"),
        (
            r#""int""#,
            &[0xfe, 0xff, 0xff, 0xff, 0x1f],
            "4294967295 is not a 32-bit number",
        ),
        (r#""long""#, &[0xff; 10], "a number has more than 64 bits"),
        (r#""boolean""#, &[2], "a boolean is 2"),
        (r#""string""#, &[zig(1), 0xff], "a string is not UTF-8"),
        (r#""string""#, &[zig(-1)], "a length is -1"),
        (
            r#""bytes""#,
            &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            "9223372036854775807 bytes were expected, and 0 are left",
        ),
        (
            r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
            &[zig(2)],
            "the symbol 2 of an enum that has 2",
        ),
        (
            r#"["null","int"]"#,
            &[zig(2)],
            "the branch 2 of a union that has 2",
        ),
        (
            nested,
            &[zig(1), zig(-1)],
            "field /a/0: the branch -1 of a union that has 3",
        ),
        (
            nested,
            &[zig(2), zig(0), zig(2), zig(1), 0xff, 0],
            "field /a/1/string: a string is not UTF-8",
        ),
        (
            r#"{"type":"map","values":"int"}"#,
            &[zig(2), zig(1), b'a', 0, zig(1), b'a', 0, 0],
            "a map has the key \"a\" twice",
        ),
    ] {
        let fault = read(schema, bytes).unwrap_err();
        assert_eq!(
            (fault.to_string().as_str(), fault.kind()),
            (says, FaultKind::Malformed)
        );
    }
}

#[test]
fn a_small_value_that_means_a_huge_one_is_refused_soon() {
    let huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    let nothing = r#"{"type":"array","items":{"type":"record","name":"N","fields":[]}}"#;
    let long_name = format!(
        r#"{{"type":"array","items":{{"type":"record","name":"N","fields":[{{"name":"{}","type":"null"}}]}}}}"#,
        "n".repeat(1000)
    );
    for (schema, bytes, says) in [
        (
            r#"{"type":"array","items":"null"}"#,
            &huge[..],
            "far more elements than bytes",
        ),
        (nothing, &huge, "far more elements than bytes"),
        (
            &long_name,
            &huge,
            "as JSON the value is larger than 65536 bytes",
        ),
        (list, &[zig(1); 100_000], "nested deeper than 20 levels"),
        (
            r#"{"type":"bytes","logicalType":"decimal","precision":9}"#,
            &[&[0x82, 4][..], &[1; 257]].concat(),
            "a decimal has 257 bytes",
        ),
    ] {
        let fault = read(schema, bytes).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::TooLarge, "{fault}");
        assert!(fault.to_string().contains(says), "{fault}");
    }
}

#[test]
fn a_hostile_schema_is_refused_or_harmless() {
    let deep = format!(
        "{}\"int\"{}",
        r#"{"type":"array","items":"#.repeat(5000),
        "}".repeat(5000)
    );
    let wide = (0..60_000).map(|n| format!(r#"{{"name":"f{n}","type":"int"}}"#));
    let wide = wide.collect::<Vec<_>>().join(",");
    let wide = format!(r#"{{"type":"record","name":"W","fields":[{wide}]}}"#);
    for schema in [
        "",
        "{",
        "7",
        r#""unknown""#,
        r#"["int","int"]"#,
        r#"{"type":"record","name":"R"}"#,
        r#"{"type":"fixed","name":"F","size":1000000000}"#,
        r#"{"type":"fixed","name":"F","size":-1}"#,
        r#"{"type":"bytes","logicalType":"decimal","precision":100000,"scale":90000}"#,
        &deep,
        &wide,
    ] {
        let refused = Plan::parse(&source(schema, &[]));
        assert!(refused.is_err(), "{}", &schema[..schema.len().min(80)]);
    }
    // A record that can only be endless has no value.
    let endless = plan(r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}"#);
    let fault = read_as(&endless, &[], Table::default()).unwrap_err();
    assert!(fault.to_string().contains("nested deeper"), "{fault}");
}

/// Other implementations allow these.
#[test]
fn names_that_others_allow_are_read() {
    for schema in [
        r#"{"type":"record","name":"R","namespace":"com.my-company","fields":[]}"#,
        r#"{"type":"record","name":"R","namespace":"","fields":[]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"double","default":0}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","int"],"default":null}]}"#,
    ] {
        let read = Plan::parse(&source(schema, &[]));
        assert!(read.is_ok(), "{schema}: {:#}", read.err().unwrap());
    }
}

/// Confluent's serializer for Java writes no length.
#[test]
fn bytes_alone_may_have_no_length() {
    let bytes = plan("\"bytes\"");
    for (value, is_bare) in [
        (&[zig(2), 7, 8][..], false),
        (&[zig(0)], false),
        (&[], true),
        (&[zig(2), 7], true),
        (&[0xff, 0xff], true),
        (b"{\"json\":1}", true),
    ] {
        assert_eq!(bytes.is_bare(value), is_bare, "{value:?}");
    }
    let mut out = Vec::new();
    bytes.read_bare(&[1, 2, 3], LIMITS, &mut out).unwrap();
    assert_eq!(out, b"\"AQID\"");
    assert!(!plan("\"string\"").is_bare(b"x"));
}
