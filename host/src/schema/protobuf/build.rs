//! Makes the plan of a `.proto` file.

use super::compile::compile;
use super::plan::{Enum, Field, Id, Kind, Message, Plan, Shape, WellKnown};
use crate::schema::json::quoted;
use crate::schema::source::Source;
use anyhow::ensure;
use prost_reflect::{Cardinality, FieldDescriptor, MessageDescriptor};
use std::collections::{BTreeMap, HashMap};

/// The most messages and enums of a schema, with all that it imports.
const MOST_TYPES: usize = 20_000;
/// The most fields of a message.
const MOST_FIELDS: usize = 65_000;
/// Field numbers below this one are found by index.
const DENSE: u32 = 256;

impl Plan {
    /// Compiles a file and those that it imports.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(source: &Source) -> anyhow::Result<Plan> {
        let file = compile(source)?;
        let mut building = Building::default();
        let mut roots = Vec::new();
        let mut open: Vec<(Vec<usize>, MessageDescriptor)> = { file.messages().enumerate() }
            .map(|(index, message)| (vec![index], message))
            .collect();
        while let Some((place, message)) = open.pop() {
            for (index, child) in message.child_messages().enumerate() {
                open.push(([&place[..], &[index]].concat(), child));
            }
            roots.push((place, building.message(&message)?));
        }
        // Any message may be in an Any.
        for message in file.parent_pool().all_messages() {
            building.message(&message)?;
        }
        building.finish()?;
        roots.sort();
        let messages: Vec<Message> = building.messages.into_iter().flatten().collect();
        let mut by_name: Vec<Id> = (0..messages.len() as Id).collect();
        by_name.sort_by_key(|id| &messages[*id as usize].name);
        Ok(Plan {
            messages,
            enums: building.enums,
            roots,
            by_name,
        })
    }
}

#[derive(Default)]
struct Building {
    messages: Vec<Option<Message>>,
    enums: Vec<Enum>,
    ids: HashMap<String, Id>,
    enum_ids: HashMap<String, Id>,
    /// Messages that have an ID, and are still to be made.
    open: Vec<(Id, MessageDescriptor)>,
}

impl Building {
    fn message(&mut self, of: &MessageDescriptor) -> anyhow::Result<Id> {
        if let Some(id) = self.ids.get(of.full_name()) {
            return Ok(*id);
        }
        self.check_count()?;
        let id = self.messages.len() as Id;
        self.messages.push(None);
        self.ids.insert(of.full_name().into(), id);
        self.open.push((id, of.clone()));
        Ok(id)
    }

    fn check_count(&self) -> anyhow::Result<()> {
        let count = self.messages.len() + self.enums.len();
        ensure!(
            count < MOST_TYPES,
            "the schema has more than {MOST_TYPES} messages and enums"
        );
        Ok(())
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        while let Some((id, of)) = self.open.pop() {
            let made = self.made(&of)?;
            self.messages[id as usize] = Some(made);
        }
        Ok(())
    }

    fn made(&mut self, of: &MessageDescriptor) -> anyhow::Result<Message> {
        // One field alone is an optional one: of it, the last value counts anyway.
        let several = of.oneofs().filter(|oneof| oneof.fields().len() > 1);
        let oneofs: HashMap<String, u16> = { several.enumerate() }
            .map(|(index, oneof)| (oneof.full_name().to_owned(), index as u16))
            .collect();
        let mut fields = Vec::new();
        let mut required = Vec::new();
        // The names of JSON count before those of the file, which another field may have in JSON.
        let mut names: BTreeMap<String, u32> = { of.fields() }
            .map(|field| (field.name().to_owned(), field.number()))
            .collect();
        for field in of.fields() {
            names.insert(field.json_name().to_owned(), field.number());
            if field.cardinality() == Cardinality::Required {
                required.push(field.number());
            }
            let oneof = field.containing_oneof();
            fields.push(Field {
                number: field.number(),
                name: field.json_name().to_owned(),
                label: format!("{}:", quoted(field.json_name())),
                kind: self.kind(&field)?,
                shape: self.shape(&field)?,
                oneof: oneof.and_then(|oneof| oneofs.get(oneof.full_name()).copied()),
            });
        }
        ensure!(
            fields.len() < MOST_FIELDS,
            "the message {} has more than {MOST_FIELDS} fields",
            of.full_name()
        );
        fields.sort_by_key(|field| field.number);
        let largest = fields.iter().map(|field| field.number);
        let mut dense =
            vec![0; largest.filter(|number| *number < DENSE).max().unwrap_or(0) as usize + 1];
        for (index, field) in fields.iter().enumerate() {
            if let Some(place) = dense.get_mut(field.number as usize) {
                *place = index as u16 + 1;
            }
        }
        let index = |number| fields.binary_search_by_key(&number, |field| field.number);
        let by_name = { names.into_iter() }
            .filter_map(|(name, number)| Some((name, index(number).ok()? as u16)))
            .collect();
        Ok(Message {
            by_name,
            required,
            name: of.full_name().to_owned(),
            well_known: well_known(of.full_name()),
            oneofs: oneofs.len() as u16,
            fields,
            dense,
        })
    }

    fn shape(&mut self, field: &FieldDescriptor) -> anyhow::Result<Shape> {
        Ok(match field.kind().as_message() {
            Some(entry) if field.is_map() => Shape::Map(self.message(entry)?),
            _ if field.is_list() => Shape::List,
            _ if field.supports_presence() => Shape::Explicit,
            _ => Shape::Implicit,
        })
    }

    fn kind(&mut self, field: &FieldDescriptor) -> anyhow::Result<Kind> {
        use prost_reflect::Kind as Of;
        Ok(match field.kind() {
            Of::Double => Kind::Double,
            Of::Float => Kind::Float,
            Of::Int32 => Kind::Int32,
            Of::Int64 => Kind::Int64,
            Of::Uint32 => Kind::Uint32,
            Of::Uint64 => Kind::Uint64,
            Of::Sint32 => Kind::Sint32,
            Of::Sint64 => Kind::Sint64,
            Of::Fixed32 => Kind::Fixed32,
            Of::Fixed64 => Kind::Fixed64,
            Of::Sfixed32 => Kind::Sfixed32,
            Of::Sfixed64 => Kind::Sfixed64,
            Of::Bool => Kind::Bool,
            Of::String => Kind::String,
            Of::Bytes => Kind::Bytes,
            Of::Message(of) if field.is_group() => Kind::Group(self.message(&of)?),
            Of::Message(of) => Kind::Message(self.message(&of)?),
            Of::Enum(of) => {
                if let Some(id) = self.enum_ids.get(of.full_name()) {
                    return Ok(Kind::Enum(*id));
                }
                self.check_count()?;
                let id = self.enums.len() as Id;
                self.enum_ids.insert(of.full_name().into(), id);
                let values = of.enum_descriptor_proto().value.iter();
                let mut names: Vec<(i32, String)> = values
                    .map(|value| (value.number(), quoted(value.name())))
                    .collect();
                let mut by_name: Vec<(String, i32)> = { names.iter() }
                    .map(|(number, name)| (name.clone(), *number))
                    .collect();
                by_name.sort();
                // Stable: of two names of a number, the first one counts.
                names.sort_by_key(|(number, _)| *number);
                names.dedup_by_key(|(number, _)| *number);
                self.enums.push(Enum {
                    name: of.full_name().to_owned(),
                    names,
                    by_name,
                    is_null: of.full_name() == "google.protobuf.NullValue",
                });
                Kind::Enum(id)
            }
        })
    }
}

fn well_known(name: &str) -> Option<WellKnown> {
    Some(match name.strip_prefix("google.protobuf.")? {
        "Any" => WellKnown::Any,
        "Duration" => WellKnown::Duration,
        "Empty" => WellKnown::Empty,
        "FieldMask" => WellKnown::FieldMask,
        "ListValue" => WellKnown::ListValue,
        "Struct" => WellKnown::Struct,
        "Timestamp" => WellKnown::Timestamp,
        "Value" => WellKnown::Value,
        "BoolValue" | "BytesValue" | "DoubleValue" | "FloatValue" | "Int32Value" | "Int64Value"
        | "StringValue" | "UInt32Value" | "UInt64Value" => WellKnown::Wrapper,
        _ => return None,
    })
}
