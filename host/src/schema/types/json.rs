//! The types of a JSON Schema, as far as they are the types of programs: objects, arrays, strings,
//! numbers, enums of strings, definitions, and null beside one of them. Everything else is any JSON.

use super::{Body, Field, Integer, Kind, Missing, Named, Types};
use anyhow::Context;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The most types with names.
const MOST: usize = 10_000;
/// How deep schemas may nest.
const DEPTH: u32 = 60;

impl Types {
    /// The types of values that fit this JSON Schema.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn of_json(text: &str) -> anyhow::Result<Types> {
        let schema: Value = serde_json::from_str(text).context("the schema is not JSON")?;
        let mut making = Making {
            whole: &schema,
            known: HashMap::new(),
            named: Vec::new(),
        };
        making.known.insert("#", making.own(&schema));
        let title = schema.get("title").and_then(Value::as_str);
        let root = making.kind(&schema, title.unwrap_or("Value"), 0);
        Ok(Types {
            root,
            named: making.named,
        })
    }
}

struct Making<'a> {
    whole: &'a Value,
    /// The types of references.
    known: HashMap<&'a str, Kind>,
    named: Vec<Named>,
}

impl<'a> Making<'a> {
    /// The type of a schema at this place.
    fn kind(&mut self, schema: &'a Value, place: &str, depth: u32) -> Kind {
        let Some(schema) = schema.as_object().filter(|_| depth < DEPTH) else {
            return Kind::Any;
        };
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            return self.reference(name, depth);
        }
        for of in ["anyOf", "oneOf"] {
            if let Some(all) = schema.get(of).and_then(Value::as_array) {
                return self.nullable(all, place, depth);
            }
        }
        if let Some(all) = schema.get("enum").and_then(Value::as_array) {
            return self.symbols(all, place);
        }
        match schema.get("type") {
            Some(Value::String(name)) => self.of_type(name, schema, place, depth),
            Some(Value::Array(names)) => {
                let is_null = |name: &&Value| name.as_str() == Some("null");
                let others: Vec<_> = names.iter().filter(|name| !is_null(name)).collect();
                let kind = match others[..] {
                    [Value::String(name)] => self.of_type(name, schema, place, depth),
                    _ => return Kind::Any,
                };
                match others.len() < names.len() {
                    true => Kind::Nullable(Box::new(kind)),
                    false => kind,
                }
            }
            _ if schema.contains_key("properties") => self.object(schema, place, depth),
            _ => Kind::Any,
        }
    }

    fn of_type(
        &mut self,
        name: &str,
        schema: &'a Map<String, Value>,
        place: &str,
        depth: u32,
    ) -> Kind {
        match name {
            "null" => Kind::Null,
            "boolean" => Kind::Boolean,
            "integer" => Kind::Integer(Integer {
                bits: 64,
                is_signed: true,
                is_text: false,
                what: "",
            }),
            "number" => Kind::Finite,
            "string" => Kind::Text(""),
            "array" => {
                let items = schema.get("items").unwrap_or(&Value::Null);
                Kind::List(Box::new(self.kind(items, place, depth + 1)))
            }
            "object" if schema.contains_key("properties") => self.object(schema, place, depth),
            "object" => {
                let values = schema.get("additionalProperties").unwrap_or(&Value::Null);
                Kind::Map(Box::new(self.kind(values, place, depth + 1)))
            }
            _ => Kind::Any,
        }
    }

    fn object(&mut self, schema: &'a Map<String, Value>, place: &str, depth: u32) -> Kind {
        if self.named.len() >= MOST {
            return Kind::Any;
        }
        let index = self.named.len();
        self.named.push(Named {
            name: place.to_owned(),
            body: Body::Record(Vec::new()),
        });
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| {
            required.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)))
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        let mut fields = Vec::new();
        for (name, of) in properties.into_iter().flatten() {
            fields.push(Field {
                name: name.clone(),
                kind: self.kind(of, &format!("{place}/{name}"), depth + 1),
                missing: match is_required(name) {
                    true => Missing::Never,
                    false => Missing::None,
                },
            });
        }
        self.named[index].body = Body::Record(fields);
        Kind::Named(index)
    }

    fn symbols(&mut self, all: &[Value], place: &str) -> Kind {
        let mut symbols: Vec<String> = Vec::new();
        for one in all.iter().filter(|one| !one.is_null()) {
            let Value::String(symbol) = one else {
                return Kind::Any;
            };
            if !symbols.contains(symbol) {
                symbols.push(symbol.clone());
            }
        }
        if symbols.is_empty() || self.named.len() >= MOST {
            return Kind::Any;
        }
        let kind = Kind::Named(self.named.len());
        self.named.push(Named {
            name: place.to_owned(),
            body: Body::Enum {
                symbols,
                is_open: false,
            },
        });
        match all.iter().any(Value::is_null) {
            true => Kind::Nullable(Box::new(kind)),
            false => kind,
        }
    }

    /// One schema, or null.
    fn nullable(&mut self, all: &'a [Value], place: &str, depth: u32) -> Kind {
        let is_null = |schema: &&Value| schema.get("type").and_then(Value::as_str) == Some("null");
        let others: Vec<&Value> = all.iter().filter(|schema| !is_null(schema)).collect();
        match others[..] {
            [one] if all.len() == 1 => self.kind(one, place, depth + 1),
            [one] => Kind::Nullable(Box::new(self.kind(one, place, depth + 1))),
            _ => Kind::Any,
        }
    }

    /// What a schema is within itself: an object gets the next place.
    fn own(&self, schema: &Value) -> Kind {
        let is_other = |key| schema.get(key).is_some();
        let of_object = |kind: &Value| kind.as_str() == Some("object");
        let is_object = schema.get("properties").is_some()
            && !["$ref", "anyOf", "oneOf", "enum"].into_iter().any(is_other)
            && schema.get("type").is_none_or(of_object)
            && self.named.len() < MOST;
        match is_object {
            true => Kind::Named(self.named.len()),
            false => Kind::Any,
        }
    }

    /// A definition of the same schema, such as `#/$defs/Address`.
    fn reference(&mut self, name: &'a str, depth: u32) -> Kind {
        if let Some(kind) = self.known.get(name) {
            return kind.clone();
        }
        let found = name.strip_prefix('#').and_then(|at| self.whole.pointer(at));
        let Some(schema) = found else {
            return Kind::Any;
        };
        let short = name.rsplit('/').next().filter(|short| !short.is_empty());
        self.known.insert(name, self.own(schema));
        let kind = self.kind(schema, short.unwrap_or("Value"), depth + 1);
        self.known.insert(name, kind.clone());
        kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Types {
        Types::of_json(text).expect("types")
    }

    #[test]
    fn odd_schemas_are_any_json() {
        for text in [
            "true",
            "{}",
            "[]",
            r##"{"$ref": "#"}"##,
            r##"{"$ref": "#/nowhere"}"##,
            r#"{"$ref": "https://example.org/other.json"}"#,
            r#"{"type": ["string", "integer"]}"#,
            r#"{"enum": [1, 2]}"#,
            r#"{"anyOf": [{"type": "string"}, {"type": "integer"}]}"#,
        ] {
            assert_eq!(of(text).root, Kind::Any, "{text}");
        }
    }

    #[test]
    fn every_index_is_that_of_a_type() {
        let text = r##"{"properties": {"a": {"$ref": "#/d/A"}, "b": {"$ref": "#"}}, "d": {"A": {
            "properties": {"again": {"$ref": "#/d/A"}}, "anyOf": [{"$ref": "#/d/A"}]}}}"##;
        let types = of(text);
        let Body::Record(fields) = &types.named[0].body else {
            panic!("{types:?}")
        };
        assert_eq!(fields[0].kind, Kind::Any);
        assert_eq!(fields[1].kind, Kind::Named(0));
    }

    #[test]
    fn a_schema_that_nests_without_end_is_cut_off() {
        let deep = format!(
            "{}{{}}{}",
            r#"{"type":"array","items":"#.repeat(100),
            "}".repeat(100)
        );
        assert!(matches!(of(&deep).root, Kind::List(_)));
    }
}
