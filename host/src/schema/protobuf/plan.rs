//! What a `.proto` file says about the bytes of its messages, ready to follow.

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// The index of a message or enum in its plan.
pub(in crate::schema) type Id = u32;

/// A type of a field.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::schema) enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    Bytes,
    Message(Id),
    /// As a message, but between two tags.
    Group(Id),
    Enum(Id),
}

/// How often a field has a value.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::schema) enum Shape {
    /// At most once; the default value counts as none.
    Implicit,
    /// At most once.
    Explicit,
    List,
    /// The fields of its entries are the only ones of this message.
    Map(Id),
}

/// A field of a message.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::schema) struct Field {
    pub number: u32,
    pub name: String,
    /// `"name":`
    pub label: String,
    pub kind: Kind,
    pub shape: Shape,
    /// The index of its group of fields of which only the last one counts.
    pub oneof: Option<u16>,
}

/// Messages whose JSON is not that of their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::schema) enum WellKnown {
    Any,
    Duration,
    Empty,
    FieldMask,
    ListValue,
    Struct,
    Timestamp,
    Value,
    /// A message with one field that stands for its value.
    Wrapper,
}

/// A message.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::schema) struct Message {
    pub name: String,
    /// By number.
    pub fields: Vec<Field>,
    pub oneofs: u16,
    pub well_known: Option<WellKnown>,
    /// The index of each field with a small number, plus one.
    pub dense: Vec<u16>,
    /// The numbers of fields that the old syntax requires.
    pub required: Vec<u32>,
    /// The names of fields as JSON may have them, sorted, and the index of each.
    pub by_name: Vec<(String, u16)>,
}

impl Message {
    /// The field of this name in JSON, or of this name in the file.
    pub fn named(&self, name: &str) -> Option<&Field> {
        let found = self
            .by_name
            .binary_search_by(|(known, _)| (**known).cmp(name));
        let (_, index) = &self.by_name[found.ok()?];
        self.fields.get(usize::from(*index))
    }

    /// The index of the field with this number.
    pub fn field(&self, number: u32) -> Option<usize> {
        match self.dense.get(number as usize) {
            Some(0) => None,
            Some(index) => Some(usize::from(*index) - 1),
            None => {
                let found = self
                    .fields
                    .binary_search_by_key(&number, |field| field.number);
                found.ok()
            }
        }
    }
}

/// An enum.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::schema) struct Enum {
    pub name: String,
    /// The first name of each number, as JSON, by number.
    pub names: Vec<(i32, String)>,
    /// All names, as JSON, sorted; of one number there may be several.
    pub by_name: Vec<(String, i32)>,
    pub is_null: bool,
}

/// A schema, ready to read its messages.
#[derive(Serialize, Deserialize)]
pub(in crate::schema) struct Plan {
    pub(in crate::schema) messages: Vec<Message>,
    pub(in crate::schema) enums: Vec<Enum>,
    /// The messages of the file, each with its place there.
    pub(super) roots: Vec<(Vec<usize>, Id)>,
    /// All messages, sorted by name.
    pub(super) by_name: Vec<Id>,
}

impl Plan {
    /// The message at this place in its file.
    pub fn at(&self, place: &[usize]) -> Option<Id> {
        let found = self
            .roots
            .binary_search_by(|(at, _)| at.as_slice().cmp(place));
        found.ok().map(|index| self.roots[index].1)
    }

    /// The message of this full name in the file.
    ///
    /// # Errors
    /// Names those that it has.
    pub fn message_of(&self, name: &str) -> anyhow::Result<Id> {
        let missing = || {
            let names: Vec<&str> = self.names().take(20).collect();
            format!("it has no message {name:?}; it has: {}", names.join(", "))
        };
        self.named(name).with_context(missing)
    }

    fn named(&self, name: &str) -> Option<Id> {
        let mut ids = self.roots.iter().map(|(_, id)| *id);
        ids.find(|id| self.messages[*id as usize].name == name)
    }

    /// Where a message is in its file.
    pub fn place(&self, id: Id) -> Option<&[usize]> {
        let mut roots = self.roots.iter();
        let (place, _) = roots.find(|(_, root)| *root == id)?;
        Some(place)
    }

    /// The full names of the messages in the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.roots.iter().map(|(_, id)| self.name(*id))
    }

    /// The full name of a message.
    pub fn name(&self, id: Id) -> &str {
        &self.messages[id as usize].name
    }

    /// The message of this full name, in the file or what it imports.
    pub(super) fn any(&self, name: &str) -> Option<Id> {
        let found = self.by_name.binary_search_by(|id| self.name(*id).cmp(name));
        found.ok().map(|index| self.by_name[index])
    }
}
