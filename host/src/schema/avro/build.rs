//! Makes the plan of a schema, by the library.

use super::names;
use super::plan::{Branch, Field, Id, Node, Plan};
use crate::schema::json::quoted;
use crate::schema::source::Source;
use crate::schema::time::Unit;
use anyhow::{Context, bail, ensure};
use apache_avro::Schema;
use apache_avro::schema::{InnerDecimalSchema, Name, UuidSchema};
use std::collections::HashMap;

/// The most types of a schema.
const MOST_TYPES: usize = 50_000;
/// The largest scale of a decimal.
const MOST_SCALE: usize = 1024;
/// The largest `fixed`, in bytes.
const MOST_FIXED: usize = 16 << 20;

impl Plan {
    /// Parses a schema and the schemas that it refers to.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(source: &Source) -> anyhow::Result<Plan> {
        names::relax();
        let references = source.references.iter().map(|(_, text)| text);
        let (schema, known) = Schema::parse_str_with_list(&source.text, references)?;
        let mut building = Building {
            nodes: Vec::new(),
            defined: HashMap::new(),
            known: HashMap::new(),
        };
        for schema in &known {
            if let Some(name) = schema.name() {
                building.known.insert(name, schema);
            }
        }
        let root = building.node(&schema)?;
        let mut names: Vec<(Id, String)> = { building.defined.iter() }
            .map(|(name, id)| (*id, name.fullname(None)))
            .collect();
        names.sort();
        let name = schema
            .name()
            .map_or_else(|| branch_name(&schema), |name| name.fullname(None));
        Ok(Plan {
            nodes: building.nodes,
            root,
            name,
            names,
        })
    }
}

struct Building<'a> {
    nodes: Vec<Node>,
    /// Named types that have a place.
    defined: HashMap<&'a Name, Id>,
    /// Named types of other schemas.
    known: HashMap<&'a Name, &'a Schema>,
}

impl<'a> Building<'a> {
    fn node(&mut self, schema: &'a Schema) -> anyhow::Result<Id> {
        if let Schema::Ref { name } = schema {
            return self.named(name);
        }
        ensure!(
            self.nodes.len() < MOST_TYPES,
            "the schema has more than {MOST_TYPES} types"
        );
        let id = self.nodes.len() as Id;
        // A record may contain itself, so it has its place before its fields have theirs.
        self.nodes.push(Node::Null);
        if let Some(name) = schema.name() {
            self.defined.insert(name, id);
        }
        let node = self.made(schema)?;
        self.nodes[id as usize] = node;
        Ok(id)
    }

    fn named(&mut self, name: &'a Name) -> anyhow::Result<Id> {
        if let Some(id) = self.defined.get(name) {
            return Ok(*id);
        }
        let schema = self.known.get(name).copied();
        let schema =
            schema.with_context(|| format!("the type {} is not defined", name.fullname(None)))?;
        self.node(schema)
    }

    fn made(&mut self, schema: &'a Schema) -> anyhow::Result<Node> {
        Ok(match schema {
            Schema::Null => Node::Null,
            Schema::Boolean => Node::Boolean,
            Schema::Int => Node::Int,
            Schema::Long => Node::Long,
            Schema::Float => Node::Float,
            Schema::Double => Node::Double,
            Schema::Bytes => Node::Bytes,
            Schema::String | Schema::Uuid(UuidSchema::String) => Node::String,
            Schema::Array(array) => Node::Array(self.node(&array.items)?),
            Schema::Map(map) => Node::Map(self.node(&map.types)?),
            Schema::Union(union) => match union.variants() {
                [Schema::Null, other] => Node::Nullable(0, self.node(other)?),
                [other, Schema::Null] => Node::Nullable(1, self.node(other)?),
                variants => {
                    let branches = variants.iter().map(|variant| self.branch(variant));
                    Node::Union(branches.collect::<anyhow::Result<_>>()?)
                }
            },
            Schema::Record(record) => {
                let fields = record.fields.iter().enumerate();
                let fields = fields.map(|(index, field)| {
                    let comma = if index > 0 { "," } else { "" };
                    let label = format!("{comma}{}:", quoted(&field.name));
                    Ok(Field {
                        name: field.name.clone(),
                        label,
                        of: self.node(&field.schema)?,
                        default: field.default.as_ref().map(ToString::to_string),
                    })
                });
                Node::Record(fields.collect::<anyhow::Result<_>>()?)
            }
            Schema::Enum(symbols) => Node::Enum(
                symbols
                    .symbols
                    .iter()
                    .map(|symbol| quoted(symbol))
                    .collect(),
            ),
            Schema::Fixed(fixed) => Node::Fixed(size(fixed.size)?),
            Schema::Decimal(decimal) => {
                let scale = decimal.scale;
                ensure!(
                    scale <= MOST_SCALE,
                    "a decimal has the scale {scale}, the most is {MOST_SCALE}"
                );
                let fixed = match &decimal.inner {
                    InnerDecimalSchema::Bytes => None,
                    InnerDecimalSchema::Fixed(fixed) => Some(size(fixed.size)?),
                };
                Node::Decimal(scale as i64, fixed, decimal.precision)
            }
            Schema::BigDecimal => Node::BigDecimal,
            Schema::Uuid(UuidSchema::Bytes) => Node::Uuid { fixed: false },
            Schema::Uuid(UuidSchema::Fixed(_)) => Node::Uuid { fixed: true },
            Schema::Date => Node::Date,
            Schema::TimeMillis => Node::TimeMillis,
            Schema::TimeMicros => Node::TimeMicros,
            Schema::TimestampMillis => Node::Timestamp(Unit::Millis, false),
            Schema::TimestampMicros => Node::Timestamp(Unit::Micros, false),
            Schema::TimestampNanos => Node::Timestamp(Unit::Nanos, false),
            Schema::LocalTimestampMillis => Node::Timestamp(Unit::Millis, true),
            Schema::LocalTimestampMicros => Node::Timestamp(Unit::Micros, true),
            Schema::LocalTimestampNanos => Node::Timestamp(Unit::Nanos, true),
            Schema::Duration(_) => Node::Duration,
            Schema::Ref { .. } => bail!("a reference is not a type"),
        })
    }

    fn branch(&mut self, schema: &'a Schema) -> anyhow::Result<Branch> {
        let name = branch_name(schema);
        let is_null = matches!(schema, Schema::Null);
        let tag = (!is_null).then(|| format!("{{{}:", quoted(&name)));
        Ok(Branch {
            name,
            tag,
            of: self.node(schema)?,
        })
    }
}

fn size(size: usize) -> anyhow::Result<usize> {
    ensure!(
        size <= MOST_FIXED,
        "a fixed type has {size} bytes, the most are {MOST_FIXED}"
    );
    Ok(size)
}

/// The name of a branch, as Avro's own JSON encoding has it: the full name, or the type that a
/// logical type is written as.
fn branch_name(schema: &Schema) -> String {
    if let Some(name) = schema.name() {
        return name.fullname(None);
    }
    let name = match schema {
        Schema::Null => "null",
        Schema::Boolean => "boolean",
        Schema::Int | Schema::Date | Schema::TimeMillis => "int",
        Schema::Long
        | Schema::TimeMicros
        | Schema::TimestampMillis
        | Schema::TimestampMicros
        | Schema::TimestampNanos
        | Schema::LocalTimestampMillis
        | Schema::LocalTimestampMicros
        | Schema::LocalTimestampNanos => "long",
        Schema::Float => "float",
        Schema::Double => "double",
        Schema::String | Schema::Uuid(UuidSchema::String) => "string",
        Schema::Array(_) => "array",
        Schema::Map(_) => "map",
        Schema::Union(_) => "union",
        _ => "bytes",
    };
    name.into()
}
