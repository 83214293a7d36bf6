//! The fast reader and writer beside serde_json, which they must agree with.

use super::{parse, read, write};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Everything<'a> {
    text: Cow<'a, str>,
    #[serde(borrow)]
    borrowed: Option<&'a str>,
    letter: Option<char>,
    number: i64,
    small: Option<u8>,
    float: Option<f64>,
    flag: Option<bool>,
    unit: (),
    pair: (u32, String),
    list: Vec<Option<f32>>,
    by_number: BTreeMap<u64, Vec<Kind>>,
    kind: Kind,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Unit,
    Newtype(u8),
    Tuple(i8, String),
    Struct { a: Option<Box<Kind>> },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u64),
    Text(String),
    List(Vec<Either>),
}

/// Takes anything, where its first choice does not fit.
#[derive(Debug, PartialEq)]
struct Lenient(Option<BTreeMap<bool, u8>>);

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Lenient, D::Error> {
        Ok(Lenient(BTreeMap::deserialize(from).ok()))
    }
}

#[derive(Debug, Deserialize, Serialize)]
struct Raw<'a> {
    #[serde(borrow)]
    raw: &'a RawValue,
    list: Vec<Box<RawValue>>,
}

impl PartialEq for Raw<'_> {
    fn eq(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

const WHOLE: &str = r#"{"text":"a\u00e9\ud83d\ude00 b","borrowed":"ünï","letter":"é","number":-12,
    "small":200,"float":1.5e-3,"flag":true,"unit":null,"pair":[1,"x"], "list":[ 0.1 , null,-0 ],
    "by_number":{"7":["unit",{"newtype":1}],"18446744073709551615":[{"tuple":[-1,"t\\"]}]},
    "kind":{"struct":{"a":{"struct":{"a":null}}}},"more":{"deep":[[[{}],[]],1e2,"\t"]},"x":false}"#;

/// What is read here is what serde_json reads.
fn agrees<'a, T: Deserialize<'a> + Debug + PartialEq>(bytes: &'a [u8]) {
    if let Some(value) = read::read::<T>(bytes) {
        let expected = serde_json::from_slice::<T>(bytes);
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(Some(value), expected.ok(), "{text}");
    }
}

/// Calls `check` with the text with each byte changed, doubled or removed, and with parts.
fn changed(text: &str, check: fn(&[u8])) {
    let bytes = text.as_bytes();
    check(bytes);
    for at in 0..bytes.len() {
        check(&bytes[..at]);
        check(&bytes[at..]);
        for new in b"\"\\{}[]:,-+.eE019tfnu \t\n\x00\x1f\x7f\x80\xc3\xff" {
            let mut changed = bytes.to_vec();
            changed[at] = *new;
            check(&changed);
            changed.insert(at, bytes[at]);
            check(&changed);
        }
        check(&[&bytes[..at], &bytes[at + 1..]].concat());
    }
}

#[test]
fn a_changed_text_is_read_as_by_serde_json() {
    changed(WHOLE, |bytes| agrees::<Everything>(bytes));
    changed(WHOLE, |bytes| agrees::<Value>(bytes));
    let raw = r#"{"raw": {"a" : [1.0, "\u12"]} ,"list":[ 1e2,"x" ]}"#;
    changed(raw, |bytes| agrees::<Raw>(bytes));
    changed(r#"[1,"x",["y",[]]]"#, |bytes| agrees::<Either>(bytes));
    changed(r#"{"true":1}"#, |bytes| agrees::<Lenient>(bytes));
    changed("[ 1, 2 ]", |bytes| agrees::<(u8, u8)>(bytes));
    changed("[1,2]", |bytes| agrees::<Vec<i128>>(bytes));
}

#[test]
fn what_plugins_read_does_not_need_serde_json() {
    assert!(read::read::<Everything>(WHOLE.as_bytes()).is_some());
    assert!(read::read::<Value>(WHOLE.as_bytes()).is_some());
    let raw = r#" {"raw":{"a":[1.0,"\n"]},"list":[]} "#;
    assert!(read::read::<Raw>(raw.as_bytes()).is_some());
}

#[test]
fn values_are_nested_as_deep_as_in_serde_json() {
    for depth in [126, 127, 128, 1000] {
        let text = "[".repeat(depth) + &"]".repeat(depth);
        agrees::<Value>(text.as_bytes());
        assert_eq!(parse::<Value>(text.as_bytes()).is_ok(), depth < 128);
        assert!(parse::<Box<RawValue>>(text.as_bytes()).is_ok());
        assert!(parse::<serde::de::IgnoredAny>(text.as_bytes()).is_ok());
    }
}

/// What is written here is what serde_json writes.
fn writes(value: impl Serialize) {
    let mut out = b"before".to_vec();
    let written = write::write(&mut out, &value).map_err(|e| e.to_string());
    match serde_json::to_vec(&value) {
        Ok(expected) => {
            let [out, expected] = [&out[6..], &expected].map(String::from_utf8_lossy);
            assert_eq!((written, out), (Ok(()), expected));
        }
        Err(error) => assert_eq!(written, Err(error.to_string())),
    }
}

#[test]
fn values_are_written_as_by_serde_json() {
    writes(serde_json::from_str::<Value>(WHOLE).unwrap());
    writes(serde_json::from_str::<Everything>(WHOLE).unwrap());
    let raw: Raw = serde_json::from_str(r#"{"raw":{"a" : 1},"list":[ "x",[] ]}"#).unwrap();
    writes(raw);
    let all: String = (0..0x250).filter_map(char::from_u32).collect();
    for (at, _) in all.char_indices() {
        writes(&all[at..]);
    }
    writes((
        all.as_bytes(),
        'é',
        '"',
        u128::MAX,
        i128::MIN,
        f64::NAN,
        1e-7_f32,
    ));
    writes((
        BTreeMap::from([(1_u8, Some(Kind::Unit))]),
        Kind::Newtype(1),
        Kind::Tuple(1, all),
    ));
    writes(BTreeMap::from([('a', 1)]));
    writes(BTreeMap::from([(true, 1)]));
    writes(BTreeMap::from([(vec![1], 1)]));
    writes(BTreeMap::from([(Some("a"), ()), (None, ())]));
    writes(Shown);
}

/// Written by its `Display`.
struct Shown;

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a\"{}\n-", 1)
    }
}

impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[test]
fn numbers_of_many_digits_stay_as_they_are() {
    for text in ["7.5600000000000005", "0.1", "1e-7", "123456789.12345679"] {
        let number: f64 = parse(text.as_bytes()).expect("a number");
        assert_eq!(serde_json::to_string(&number).expect("a number"), text);
    }
}

#[test]
fn a_failure_names_the_byte() {
    let at = |text: &str| parse::<Vec<u32>>(text.as_bytes()).map_err(|f| f.message);
    let expected = "not the expected JSON: expected `,` or `]`, at byte 3";
    assert_eq!(at("[1 x]"), Err(expected.into()));
    assert!(at("[1,\n\n x]").is_err_and(|m| m.ends_with("at byte 6")));
    assert!(at("").is_err_and(|m| m.ends_with("at byte 0")));
    let of = |bytes: &[u8]| parse::<Vec<u32>>(bytes).expect_err("marked").message;
    assert!(of(b"\xef\xbb\xbf[1]").contains("it begins with a byte order mark (EF BB BF)"));
    assert!(of(b"\xff\xfe[\x001\x00]\x00").contains("the byte order mark of UTF-16"));
    assert!(at("[1,").is_err_and(|m| m.contains("EOF") && m.ends_with("at byte 3")));
}
