//! The types of the JSON that a schema's values are decoded to: for the code of plugins.

mod avro;
mod fits;
mod json;
mod protobuf;

/// The types of a schema.
#[derive(Debug, PartialEq, Eq)]
pub struct Types {
    /// The type of a value.
    pub root: Kind,
    /// The types that have names.
    pub named: Vec<Named>,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing but null.
    Null,
    /// True or false.
    Boolean,
    /// An integer.
    Integer(Integer),
    /// A number; NaN and the infinities are strings of their names.
    Number,
    /// A number that is never one that JSON lacks.
    Finite,
    /// A string, and what it holds, such as "base64"; empty for any text.
    Text(&'static str),
    /// An array.
    List(Box<Kind>),
    /// An object of any names.
    Map(Box<Kind>),
    /// The value, or null.
    Nullable(Box<Kind>),
    /// The named type of this index.
    Named(usize),
    /// Any JSON.
    Any,
}

/// An integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    /// 32 or 64.
    pub bits: u8,
    /// Whether it may be negative.
    pub is_signed: bool,
    /// Whether it is written as a string.
    pub is_text: bool,
    /// What it counts; empty for any number.
    pub what: &'static str,
}

/// A type with a name.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// Its full name, such as `shop.Order`.
    pub name: String,
    /// What it is.
    pub body: Body,
}

/// What a named type is.
#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    /// An object with these fields.
    Record(Vec<Field>),
    /// One of these strings. `is_open`: or a number that has no name.
    Enum {
        /// The strings; the first one is the default value.
        symbols: Vec<String>,
        /// Whether numbers occur.
        is_open: bool,
    },
    /// An object with exactly one of these fields.
    Union(Vec<(String, Kind)>),
}

/// A field of a record.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in JSON.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// What it means that it is missing.
    pub missing: Missing,
}

/// What it means that a field is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is always there.
    Never,
    /// It has the default value of its type: 0, false, "", an empty list.
    Default,
    /// It has no value.
    None,
}

impl Kind {
    /// What a string holds that is not any text, also within a list or beside null.
    pub fn what(&self) -> Option<&'static str> {
        match self {
            Kind::Text("") => None,
            Kind::Text(what) => Some(what),
            Kind::Integer(Integer { what, .. }) if !what.is_empty() => Some(what),
            Kind::Integer(Integer { is_text: true, .. }) => Some("the digits of an integer"),
            Kind::List(kind) | Kind::Map(kind) | Kind::Nullable(kind) => kind.what(),
            _ => None,
        }
    }

    fn has_floats(&self) -> bool {
        match self {
            Kind::Number => true,
            Kind::List(kind) | Kind::Map(kind) | Kind::Nullable(kind) => kind.has_floats(),
            _ => false,
        }
    }
}

impl Types {
    /// Whether a number may be one that JSON lacks.
    pub fn has_floats(&self) -> bool {
        let of = |named: &Named| match &named.body {
            Body::Record(fields) => fields.iter().any(|field| field.kind.has_floats()),
            Body::Union(branches) => branches.iter().any(|(_, kind)| kind.has_floats()),
            Body::Enum { .. } => false,
        };
        self.root.has_floats() || self.named.iter().any(of)
    }
}
