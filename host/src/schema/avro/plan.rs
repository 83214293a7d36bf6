//! What a schema says about the bytes, ready to follow.

use crate::schema::time::Unit;
use serde::{Deserialize, Serialize};

/// The index of a type in its plan.
pub(in crate::schema) type Id = u32;

/// A type of the wire.
#[derive(Serialize, Deserialize)]
pub(in crate::schema) enum Node {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(Id),
    Map(Id),
    /// One of two types, of which one is null: the index of null, and the other.
    Nullable(i64, Id),
    Union(Vec<Branch>),
    Record(Vec<Field>),
    /// The symbols as JSON.
    Enum(Vec<String>),
    Fixed(usize),
    /// Its scale, its size if that is fixed, and the most digits.
    Decimal(i64, Option<usize>, usize),
    BigDecimal,
    /// 16 bytes, preceded by their number or not.
    Uuid {
        fixed: bool,
    },
    Date,
    TimeMillis,
    TimeMicros,
    Timestamp(Unit, bool),
    Duration,
}

/// A branch of a union.
#[derive(Serialize, Deserialize)]
pub(in crate::schema) struct Branch {
    pub name: String,
    /// `{"name":`; `None` for null.
    pub tag: Option<String>,
    pub of: Id,
}

/// A field of a record.
#[derive(Serialize, Deserialize)]
pub(in crate::schema) struct Field {
    pub name: String,
    /// `"name":`, with a comma where one is due.
    pub label: String,
    pub of: Id,
    /// Its default value, JSON.
    pub default: Option<String>,
}

/// A schema, ready to read its values.
#[derive(Serialize, Deserialize)]
pub(in crate::schema) struct Plan {
    pub(in crate::schema) nodes: Vec<Node>,
    pub(in crate::schema) root: Id,
    pub(super) name: String,
    /// The full names of records and enums.
    pub(in crate::schema) names: Vec<(Id, String)>,
}

impl Plan {
    /// The full name of its type.
    pub fn name(&self) -> &str {
        &self.name
    }
}
