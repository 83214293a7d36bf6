//! The types of a Protobuf message.

use super::{Body, Field, Integer, Kind, Missing, Named, Types};
use crate::schema::protobuf::{self, Id, Plan, Shape, WellKnown};
use std::collections::HashMap;

impl Types {
    /// The types of what this plan reads of a message.
    pub(in crate::schema) fn of_protobuf(plan: &Plan, message: Id) -> Types {
        let mut making = Making {
            plan,
            messages: HashMap::new(),
            enums: HashMap::new(),
            named: Vec::new(),
            open: Vec::new(),
        };
        let root = making.message(message);
        // Not by recursion: messages may refer to each other in a very long chain.
        while let Some((index, id)) = making.open.pop() {
            let message = &plan.messages[id as usize];
            let fields = message.fields.iter().map(|field| making.field(field));
            making.named[index].body = Body::Record(fields.collect());
        }
        Types {
            root,
            named: making.named,
        }
    }
}

struct Making<'a> {
    plan: &'a Plan,
    messages: HashMap<Id, usize>,
    enums: HashMap<Id, usize>,
    named: Vec<Named>,
    /// Records whose fields are still to be made.
    open: Vec<(usize, Id)>,
}

impl Making<'_> {
    fn message(&mut self, id: Id) -> Kind {
        let message = &self.plan.messages[id as usize];
        match (message.well_known, message.fields.first()) {
            (Some(WellKnown::Any | WellKnown::Value), _) => return Kind::Any,
            (Some(WellKnown::Timestamp), _) => return Kind::Text("a time in UTC"),
            (Some(WellKnown::Duration), _) => return Kind::Text("a duration"),
            (Some(WellKnown::FieldMask), _) => return Kind::Text("names of fields"),
            (Some(WellKnown::Struct | WellKnown::Empty), _) => {
                return Kind::Map(Box::new(Kind::Any));
            }
            (Some(WellKnown::ListValue), _) => return Kind::List(Box::new(Kind::Any)),
            (Some(WellKnown::Wrapper), Some(field)) => return self.kind(field.kind),
            _ => {}
        }
        if let Some(index) = self.messages.get(&id) {
            return Kind::Named(*index);
        }
        let index = self.named.len();
        self.messages.insert(id, index);
        self.named.push(Named {
            name: message.name.clone(),
            body: Body::Record(Vec::new()),
        });
        self.open.push((index, id));
        Kind::Named(index)
    }

    fn field(&mut self, field: &protobuf::Field) -> Field {
        let (kind, missing) = match field.shape {
            Shape::Implicit => (self.kind(field.kind), Missing::Default),
            Shape::Explicit => (self.kind(field.kind), Missing::None),
            Shape::List => {
                let item = Box::new(self.kind(field.kind));
                (Kind::List(item), Missing::Default)
            }
            Shape::Map(entry) => {
                let value = self.plan.messages[entry as usize].fields.get(1);
                let value = value.map_or(Kind::Any, |value| self.kind(value.kind));
                (Kind::Map(Box::new(value)), Missing::Default)
            }
        };
        Field {
            name: field.name.clone(),
            kind,
            missing,
        }
    }

    fn kind(&mut self, kind: protobuf::Kind) -> Kind {
        use protobuf::Kind as Of;
        let integer = |bits, is_signed| {
            Kind::Integer(Integer {
                bits,
                is_signed,
                is_text: bits == 64,
                what: "",
            })
        };
        match kind {
            Of::Double | Of::Float => Kind::Number,
            Of::Int32 | Of::Sint32 | Of::Sfixed32 => integer(32, true),
            Of::Uint32 | Of::Fixed32 => integer(32, false),
            Of::Int64 | Of::Sint64 | Of::Sfixed64 => integer(64, true),
            Of::Uint64 | Of::Fixed64 => integer(64, false),
            Of::Bool => Kind::Boolean,
            Of::String => Kind::Text(""),
            Of::Bytes => Kind::Text("base64"),
            Of::Message(id) | Of::Group(id) => self.message(id),
            Of::Enum(id) => self.symbols(id),
        }
    }

    fn symbols(&mut self, id: Id) -> Kind {
        let of = &self.plan.enums[id as usize];
        if of.is_null {
            return Kind::Null;
        }
        if let Some(index) = self.enums.get(&id) {
            return Kind::Named(*index);
        }
        let index = self.named.len();
        self.enums.insert(id, index);
        // The default value is the one with the number 0.
        let mut names: Vec<_> = of.names.iter().collect();
        names.sort_by_key(|(number, _)| (*number != 0, *number));
        let symbols = names
            .into_iter()
            .map(|(_, name)| serde_json::from_str(name));
        self.named.push(Named {
            name: of.name.clone(),
            body: Body::Enum {
                symbols: symbols.collect::<Result<_, _>>().unwrap_or_default(),
                is_open: true,
            },
        });
        Kind::Named(index)
    }
}
