//! Redaction: captured records without what must not leave production.
//!
//! A redacted string or number becomes a pseudonym that depends on it and on a
//! secret: the same value becomes the same pseudonym wherever it is, so records
//! that belong together still do. All else of a record keeps its bytes.

use crate::record::OwnedRecord;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;

/// What to redact.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    /// Fields of JSON values: names with dots between them, such as
    /// `customer.email`. Arrays on the way are entered.
    pub fields: Vec<String>,
    /// The records' keys.
    pub keys: bool,
    /// Headers, by their names.
    pub headers: Vec<String>,
}

/// Redacts records and counts what it met.
pub struct Redactor {
    redaction: Redaction,
    secret: Vec<u8>,
    used: BTreeSet<String>,
    /// How many values or parts were replaced whole, since they can't be read as
    /// JSON objects or arrays.
    pub whole: u64,
}

impl Redactor {
    /// A redactor. With the same `secret`, pseudonyms are the same.
    pub fn new(redaction: Redaction, secret: Vec<u8>) -> Redactor {
        Redactor {
            redaction,
            secret,
            used: BTreeSet::new(),
            whole: 0,
        }
    }

    /// Whether it redacts anything.
    pub fn is_active(&self) -> bool {
        let Redaction {
            fields,
            keys,
            headers,
        } = &self.redaction;
        *keys || !fields.is_empty() || !headers.is_empty()
    }

    /// Redacts a record. If fields are to be redacted and the value is not a JSON
    /// object or array, the whole value is.
    pub fn redact(&mut self, record: &mut OwnedRecord) {
        if self.redaction.keys
            && let Some(key) = &mut record.key
        {
            *key = self.pseudonym(key).into_bytes();
        }
        for (name, value) in &mut record.headers {
            let named = |wanted: &&String| wanted.as_bytes() == &name[..];
            if let Some(header) = self.redaction.headers.iter().find(named).cloned() {
                if let Some(value) = value {
                    *value = self.pseudonym(value).into_bytes();
                }
                self.used.insert(header);
            }
        }
        if !self.redaction.fields.is_empty()
            && let Some(value) = &mut record.value
        {
            *value = self.value(value);
        }
    }

    /// The fields and headers that no record had.
    pub fn unused(&self) -> Vec<&str> {
        let Redaction {
            fields, headers, ..
        } = &self.redaction;
        let all = fields.iter().chain(headers).map(String::as_str);
        all.filter(|name| !self.used.contains(*name)).collect()
    }

    fn value(&mut self, value: &[u8]) -> Vec<u8> {
        let json: Option<&RawValue> = serde_json::from_slice(value).ok();
        let fields = self.redaction.fields.clone();
        let paths: Vec<Path> = fields.iter().map(|field| Path::of(field)).collect();
        match json.filter(|json| json.get().starts_with(['{', '['])) {
            Some(json) => self.walk(json, &paths).into_bytes(),
            None => {
                self.whole += 1;
                self.pseudonym(value).into_bytes()
            }
        }
    }

    /// A JSON value with all that `paths` name redacted.
    fn walk(&mut self, json: &RawValue, paths: &[Path]) -> String {
        if paths.is_empty() {
            return json.get().into();
        }
        if let Some(path) = paths.iter().find(|path| path.rest.is_empty()) {
            self.used.insert(path.field.into());
            return self.all_of(json);
        }
        self.inside(json, |redactor, name, json| {
            let below = paths.iter().filter_map(|path| path.below(name));
            let below: Vec<Path> = below.collect();
            redactor.walk(json, &below)
        })
    }

    /// A JSON value with all strings and numbers in it redacted.
    fn all_of(&mut self, json: &RawValue) -> String {
        match json.get().as_bytes().first() {
            Some(b'{' | b'[') => self.inside(json, |redactor, _, json| redactor.all_of(json)),
            Some(b'"') => {
                // The text and not its escapes: as it may be in a key or a header.
                let text: String = serde_json::from_str(json.get()).unwrap_or_default();
                format!("\"{}\"", self.pseudonym(text.as_bytes()))
            }
            Some(b'-' | b'0'..=b'9') => {
                let digest = self.digest(json.get().as_bytes());
                // Nine digits: exact in every language.
                (u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % 1_000_000_000)
                    .to_string()
            }
            // true, false and null name nobody.
            _ => json.get().into(),
        }
    }

    /// An object or array with `change` applied to what it holds; another value as
    /// it is. What can't be read is redacted whole: it may hold the field.
    fn inside(
        &mut self,
        json: &RawValue,
        mut change: impl FnMut(&mut Redactor, Option<&str>, &RawValue) -> String,
    ) -> String {
        if !json.get().starts_with(['{', '[']) {
            return json.get().into();
        }
        let Ok(Members(members)) = serde_json::from_str::<Members>(json.get()) else {
            self.whole += 1;
            return format!("\"{}\"", self.pseudonym(json.get().as_bytes()));
        };
        let (open, close) = match json.get().starts_with('{') {
            true => ('{', '}'),
            false => ('[', ']'),
        };
        let mut text = String::from(open);
        for (index, (name, member)) in members.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            if let Some(name) = name {
                text.push_str(&serde_json::Value::from(name.as_str()).to_string());
                text.push(':');
            }
            text.push_str(&change(self, name.as_deref(), member));
        }
        text.push(close);
        text
    }

    fn pseudonym(&self, bytes: &[u8]) -> String {
        let digest = self.digest(bytes);
        let hex: String = digest[..6]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("redacted-{hex}")
    }

    fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        Sha256::new()
            .chain_update((self.secret.len() as u64).to_be_bytes())
            .chain_update(&self.secret)
            .chain_update(bytes)
            .finalize()
            .into()
    }
}

/// A field, and what of its path is still to go.
#[derive(Clone)]
struct Path<'a> {
    field: &'a str,
    rest: &'a str,
}

impl Path<'_> {
    fn of(field: &str) -> Path<'_> {
        Path { field, rest: field }
    }

    /// What is left of it behind a member of this name, if that is on the path.
    /// Names may contain dots themselves. Elements of arrays have no name.
    fn below(&self, name: Option<&str>) -> Option<Self> {
        let Some(name) = name else {
            return Some(self.clone());
        };
        let rest = self.rest.strip_prefix(name)?;
        let rest = match rest {
            "" => "",
            rest => rest.strip_prefix('.')?,
        };
        Some(Path { rest, ..*self })
    }
}

/// The members of an object, with their names, or the elements of an array, in
/// their order.
struct Members<'a>(Vec<(Option<String>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Ordered;
        impl<'de> Visitor<'de> for Ordered {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object or an array")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry()? {
                    members.push((Some(name), value));
                }
                Ok(Members(members))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(value) = seq.next_element()? {
                    members.push((None, value));
                }
                Ok(Members(members))
            }
        }
        from.deserialize_any(Ordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TopicPartition;

    fn redactor(fields: &[&str]) -> Redactor {
        let redaction = Redaction {
            fields: fields.iter().map(|field| (*field).into()).collect(),
            keys: true,
            headers: vec!["user".into()],
        };
        Redactor::new(redaction, b"secret".to_vec())
    }

    fn record(key: &str, value: &str) -> OwnedRecord {
        OwnedRecord {
            origin: TopicPartition {
                topic: "t".into(),
                partition: 0,
            },
            offset: 0,
            timestamp: 0,
            key: Some(key.into()),
            value: Some(value.into()),
            headers: vec![(b"user".to_vec(), Some(key.into()))],
        }
    }

    fn redacted(fields: &[&str], value: &str) -> (String, Redactor) {
        let mut redactor = redactor(fields);
        let mut record = record("ada", value);
        redactor.redact(&mut record);
        (String::from_utf8(record.value.unwrap()).unwrap(), redactor)
    }

    #[test]
    fn the_same_value_has_the_same_pseudonym_everywhere() {
        let mut redactor = redactor(&["customer"]);
        let mut record = record("ada", r#"{"customer":"ad\u0061","n":1}"#);
        redactor.redact(&mut record);
        let key = String::from_utf8(record.key.unwrap()).unwrap();
        assert!(key.starts_with("redacted-") && !key.contains("ada"));
        assert_eq!(record.headers[0].1.as_deref(), Some(key.as_bytes()));
        let value = String::from_utf8(record.value.unwrap()).unwrap();
        assert_eq!(value, format!("{{\"customer\":\"{key}\",\"n\":1}}"));
        let other = Redactor::new(Redaction::default(), b"another".to_vec());
        assert_ne!(other.pseudonym(b"ada"), key);
    }

    #[test]
    fn only_the_field_changes_and_order_and_numbers_stay() {
        let value = r#"{"z":1.0,"a":{"mail":"x@y","keep":[1e3]},"list":[{"mail":"q"},{"mail":null}],"a.b":"dotted"}"#;
        let (text, redactor) = redacted(&["a.mail", "list.mail", "a.b"], value);
        assert!(
            text.starts_with(r#"{"z":1.0,"a":{"mail":"redacted-"#),
            "{text}"
        );
        assert!(text.contains(r#""keep":[1e3]"#) && text.contains(r#"{"mail":null}"#));
        for secret in ["x@y", "\"q\"", "dotted"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(redactor.unused().is_empty());
    }

    #[test]
    fn an_object_is_redacted_with_all_in_it() {
        let (text, _) = redacted(&["who"], r#"{"who":{"name":"Ada","age":36,"ok":true}}"#);
        assert!(!text.contains("Ada") && !text.contains("36"), "{text}");
        assert!(text.contains("\"ok\":true"));
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(read["who"]["age"].is_number());
    }

    #[test]
    fn an_object_that_cannot_be_read_whole_is_redacted_whole() {
        // serde_json skips over half a surrogate pair, but does not read it.
        for value in [
            r#"{"\ud800":1,"customer":"Ada"}"#,
            r#"{"a":{"\ud800":1,"customer":"Ada"}}"#,
            r#"{"a":[{"\ud800":"Ada"}]}"#,
        ] {
            let (text, _) = redacted(&["customer", "a.customer", "a"], value);
            assert!(!text.contains("Ada"), "{text}");
            let (text, _) = redacted(&["a.customer", "customer"], value);
            assert!(!text.contains("Ada"), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_redacted_whole_and_misspelt_fields_are_named() {
        for value in ["Ada, 36", "{\"customer\":", "\"Ada\""] {
            let (text, redactor) = redacted(&["customer"], value);
            assert!(text.starts_with("redacted-"), "{text}");
            assert_eq!(redactor.whole, 1);
        }
        let (text, redactor) = redacted(&["custmer", "x"], r#"{"customer":"Ada"}"#);
        assert_eq!(text, r#"{"customer":"Ada"}"#);
        assert_eq!(redactor.unused(), ["custmer", "x"]);
    }
}
