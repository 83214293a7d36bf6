//! The types of an Avro schema.

use super::{Body, Field, Integer, Kind, Missing, Named, Types};
use crate::schema::avro::{Id, Node, Plan};
use crate::schema::table::Table;
use crate::schema::time::Unit;
use std::collections::HashMap;

impl Types {
    /// The types of what this plan reads.
    pub(in crate::schema) fn of_avro(plan: &Plan, table: Table) -> Types {
        let mut making = Making {
            plan,
            table,
            known: HashMap::new(),
            named: Vec::new(),
        };
        let root = making.kind(plan.root, "Value");
        Types {
            root,
            named: making.named,
        }
    }
}

struct Making<'a> {
    plan: &'a Plan,
    table: Table,
    known: HashMap<Id, usize>,
    named: Vec<Named>,
}

impl Making<'_> {
    /// The type of a node. `place` names a union there.
    fn kind(&mut self, id: Id, place: &str) -> Kind {
        let longs = self.table.longs_are_strings;
        let integer = |bits, what| {
            Kind::Integer(Integer {
                bits,
                is_signed: true,
                is_text: bits == 64 && longs,
                what,
            })
        };
        let time = |text: &'static str, bits, what| match self.table.timestamps_are_numbers {
            true => integer(bits, what),
            false => Kind::Text(text),
        };
        match &self.plan.nodes[id as usize] {
            Node::Null => Kind::Null,
            Node::Boolean => Kind::Boolean,
            Node::Int => integer(32, ""),
            Node::Long => integer(64, ""),
            Node::Float | Node::Double => Kind::Number,
            Node::Bytes | Node::Fixed(_) => Kind::Text("base64"),
            Node::String => Kind::Text(""),
            Node::Array(items) => Kind::List(Box::new(self.kind(*items, place))),
            Node::Map(values) => Kind::Map(Box::new(self.kind(*values, place))),
            Node::Nullable(_, other) => Kind::Nullable(Box::new(self.kind(*other, place))),
            Node::Decimal(..) | Node::BigDecimal => Kind::Text("a decimal number"),
            Node::Uuid { .. } => Kind::Text("a UUID"),
            Node::Date => time("a date", 32, "days since 1970-01-01"),
            Node::TimeMillis => time("a time of day", 32, "milliseconds since midnight"),
            Node::TimeMicros => time("a time of day", 64, "microseconds since midnight"),
            Node::Timestamp(unit, is_local) => {
                let text = match is_local {
                    true => "a local time",
                    false => "a time in UTC",
                };
                let what = match unit {
                    Unit::Millis => "milliseconds since 1970-01-01",
                    Unit::Micros => "microseconds since 1970-01-01",
                    Unit::Nanos => "nanoseconds since 1970-01-01",
                };
                time(text, 64, what)
            }
            Node::Duration => Kind::Text("a duration"),
            Node::Enum(symbols) => self.named(id, |_, _| Body::Enum {
                // Each is a string of JSON.
                symbols: { symbols.iter() }
                    .map(|symbol| serde_json::from_str(symbol).unwrap_or_default())
                    .collect(),
                is_open: false,
            }),
            Node::Record(fields) => self.named(id, |making, name| {
                let field = |field: &crate::schema::avro::Field| Field {
                    name: field.name.clone(),
                    kind: making.kind(field.of, &format!("{name}/{}", field.name)),
                    missing: Missing::Never,
                };
                Body::Record(fields.iter().map(field).collect())
            }),
            Node::Union(branches) => {
                let is_nullable = branches.iter().any(|branch| branch.tag.is_none());
                let others = branches.iter().filter(|branch| branch.tag.is_some());
                let others: Vec<(String, Kind)> = others
                    .map(|branch| (branch.name.clone(), self.kind(branch.of, place)))
                    .collect();
                let union = Kind::Named(self.named.len());
                self.named.push(Named {
                    // Not a name of the schema's: the place where it is.
                    name: place.to_owned(),
                    body: Body::Union(others),
                });
                match is_nullable {
                    true => Kind::Nullable(Box::new(union)),
                    false => union,
                }
            }
        }
    }

    fn named(&mut self, id: Id, body: impl FnOnce(&mut Self, &str) -> Body) -> Kind {
        if let Some(index) = self.known.get(&id) {
            return Kind::Named(*index);
        }
        let names = &self.plan.names;
        let found = names.binary_search_by_key(&id, |(of, _)| *of);
        let name = found.map_or("Value".into(), |at| names[at].1.clone());
        let index = self.named.len();
        self.known.insert(id, index);
        // It has its place before its fields have theirs.
        self.named.push(Named {
            name: name.clone(),
            body: Body::Record(Vec::new()),
        });
        self.named[index].body = body(self, &name);
        Kind::Named(index)
    }
}
