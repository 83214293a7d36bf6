//! Whether the values of one schema fit the types of another.

use super::{Body, Field, Integer, Kind, Missing, Named, Types};
use std::collections::HashSet;

impl Types {
    /// Why values of `newer` do not fit these types: each place with what is wrong there.
    pub fn misfits(&self, newer: &Types) -> Vec<String> {
        let mut comparing = Comparing {
            old: &self.named,
            new: &newer.named,
            done: HashSet::new(),
            misfits: Vec::new(),
        };
        comparing.kind(&self.root, &newer.root, "");
        comparing.misfits
    }
}

struct Comparing<'a> {
    old: &'a [Named],
    new: &'a [Named],
    done: HashSet<(usize, usize)>,
    misfits: Vec<String>,
}

impl<'a> Comparing<'a> {
    fn kind(&mut self, old: &'a Kind, new: &'a Kind, place: &str) {
        match (old, new) {
            (Kind::Any, _) => {}
            (Kind::Nullable(_), Kind::Null) => {}
            (Kind::Nullable(old), Kind::Nullable(new)) => self.kind(old, new, place),
            (Kind::Nullable(old), new) => self.kind(old, new, place),
            (_, Kind::Nullable(_)) => self.misfit(place, "may be null now"),
            (Kind::List(old), Kind::List(new)) => self.kind(old, new, &format!("{place}/*")),
            (Kind::Map(old), Kind::Map(new)) => self.kind(old, new, &format!("{place}/*")),
            (Kind::Integer(old), Kind::Integer(new)) if fits(*old, *new) => {}
            (Kind::Number | Kind::Finite, Kind::Integer(Integer { is_text: false, .. }))
            | (Kind::Number, Kind::Finite) => {}
            (Kind::Named(old), Kind::Named(new)) => {
                if self.done.insert((*old, *new)) {
                    self.body(&self.old[*old].body, &self.new[*new].body, place);
                }
            }
            (old, new) if old == new => {}
            (old, new) => {
                let message = format!("was {}, and is {} now", old.shown(), new.shown());
                self.misfit(place, &message);
            }
        }
    }

    fn body(&mut self, old: &'a Body, new: &'a Body, place: &str) {
        match (old, new) {
            (Body::Record(old), Body::Record(new)) => self.fields(old, new, place),
            (Body::Enum { symbols: old, .. }, Body::Enum { symbols: new, .. }) => {
                for symbol in new.iter().filter(|symbol| !old.contains(symbol)) {
                    self.misfit(place, &format!("may be {symbol:?} now"));
                }
            }
            (Body::Union(old), Body::Union(new)) => {
                for (name, new) in new {
                    match old.iter().find(|(known, _)| known == name) {
                        Some((_, old)) => self.kind(old, new, &format!("{place}/{name}")),
                        None => self.misfit(place, &format!("may be {name} now")),
                    }
                }
            }
            (old, new) => {
                let message = format!("was {}, and is {} now", old.shown(), new.shown());
                self.misfit(place, &message);
            }
        }
    }

    fn fields(&mut self, old: &'a [Field], new: &'a [Field], place: &str) {
        for old in old {
            let place = format!("{place}/{}", old.name);
            match new.iter().find(|new| new.name == old.name) {
                // Also where it may be missing: a plugin that reads it would see nothing of it.
                None => self.misfit(&place, "is gone"),
                Some(new) => {
                    if old.missing == Missing::Never && new.missing != Missing::Never {
                        self.misfit(&place, "may be missing now");
                    }
                    self.kind(&old.kind, &new.kind, &place);
                }
            }
        }
    }

    fn misfit(&mut self, place: &str, what: &str) {
        let place = if place.is_empty() { "the value" } else { place };
        self.misfits.push(format!("{place} {what}"));
    }
}

fn fits(old: Integer, new: Integer) -> bool {
    let fits = match (old.is_signed, new.is_signed) {
        (true, false) => new.bits < old.bits,
        (false, true) => false,
        _ => new.bits <= old.bits,
    };
    fits && old.is_text == new.is_text && old.what == new.what
}

impl Kind {
    fn shown(&self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Boolean => "a boolean",
            Kind::Integer(Integer { what, .. }) if !what.is_empty() => what,
            Kind::Integer(Integer { is_text: true, .. }) => "an integer as a string",
            Kind::Integer(Integer { bits: 32, .. }) => "an integer of 32 bits",
            Kind::Integer(_) => "an integer",
            Kind::Number | Kind::Finite => "a number",
            Kind::Text("") => "text",
            Kind::Text(what) => what,
            Kind::List(_) => "an array",
            Kind::Map(_) => "a map",
            Kind::Nullable(_) => "a value or null",
            Kind::Named(_) => "an object, enum or union",
            Kind::Any => "any JSON",
        }
    }
}

impl Body {
    fn shown(&self) -> &'static str {
        match self {
            Body::Record(_) => "an object",
            Body::Enum { .. } => "an enum",
            Body::Union(_) => "a union",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::source::{Format, Source};
    use crate::schema::{Schema, Table};

    fn types(format: Format, text: &str) -> Types {
        let schema = Schema::parse_here(&Source::new(format, text)).expect("a schema");
        schema.types(None, Table::default()).expect("types")
    }

    fn avro(field: &str) -> Types {
        let text =
            format!(r#"{{"type":"record","name":"R","fields":[{{"name":"a","type":{field}}}]}}"#);
        types(Format::Avro, &text)
    }

    #[test]
    fn what_no_longer_fits_is_named() {
        let symbols = |all: &str| format!(r#"{{"type":"enum","name":"E","symbols":[{all}]}}"#);
        let (one, two) = (symbols("\"A\""), symbols("\"A\",\"B\""));
        for (old, new, misfit) in [
            ("\"int\"", "\"int\"", None),
            ("\"long\"", "\"int\"", None),
            (
                "\"int\"",
                "\"long\"",
                Some("/a was an integer of 32 bits, and is an integer now"),
            ),
            ("\"double\"", "\"long\"", None),
            ("[\"null\",\"int\"]", "\"int\"", None),
            ("\"int\"", "[\"null\",\"int\"]", Some("/a may be null now")),
            (&two, &one, None),
            (&one, &two, Some("/a may be \"B\" now")),
            (
                "[\"null\",\"int\",\"string\"]",
                "[\"int\",\"string\"]",
                None,
            ),
            (
                "[\"int\",\"string\"]",
                "[\"int\",\"string\",\"bytes\"]",
                Some("/a may be bytes now"),
            ),
            (
                "\"string\"",
                "\"bytes\"",
                Some("/a was text, and is base64 now"),
            ),
            (
                r#"{"type":"array","items":"string"}"#,
                r#"{"type":"array","items":"int"}"#,
                Some("/a/* was text, and is an integer of 32 bits now"),
            ),
            ("\"R\"", "\"R\"", None),
        ] {
            let found = avro(old).misfits(&avro(new));
            assert_eq!(found, Vec::from_iter(misfit), "{old} {new}");
        }
    }

    #[test]
    fn a_number_of_other_units_does_not_fit() {
        let table = Table {
            timestamps_are_numbers: true,
            ..Table::default()
        };
        let of = |kind: &str| {
            let text = format!(r#"{{"type":"long","logicalType":"{kind}"}}"#);
            let schema = Schema::parse_here(&Source::new(Format::Avro, text)).expect("a schema");
            schema.types(None, table).expect("types")
        };
        let (millis, micros) = (of("timestamp-millis"), of("timestamp-micros"));
        assert_eq!(
            millis.misfits(&micros),
            [
                "the value was milliseconds since 1970-01-01, and is microseconds since 1970-01-01 now"
            ]
        );
    }

    #[test]
    fn a_field_may_be_missing_where_the_old_one_may() {
        let proto = |field: &str| {
            let text = format!("syntax = \"proto3\"; message M {{ int32 a = 1; {field} }}");
            types(Format::Protobuf, &text)
        };
        assert_eq!(proto("int32 b = 2;").misfits(&proto("")), ["/b is gone"]);
        assert!(proto("").misfits(&proto("int32 b = 2;")).is_empty());
        let json = |required: &str| {
            let text = format!(
                r#"{{"type":"object","required":[{required}],"properties":{{"a":{{"type":"string"}}}}}}"#
            );
            Types::of_json(&text).expect("types")
        };
        let (always, sometimes) = (json("\"a\""), json(""));
        assert!(sometimes.misfits(&always).is_empty());
        assert_eq!(always.misfits(&sometimes), ["/a may be missing now"]);
    }
}
