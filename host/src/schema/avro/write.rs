//! Writes JSON as a value of a schema: the table from Avro to JSON, backwards.

use super::plan::{Branch, Field, Id, Node, Plan};
use crate::schema::decimal::Digits;
use crate::schema::expected::{Expected, bytes_of, float32, found, integer, object, text};
use crate::schema::fault::{Fault, FaultKind};
use crate::schema::instant;
use crate::schema::json::quoted;
use crate::schema::limits::Limits;
use crate::schema::time::Unit;
use serde_json::Value;
use std::collections::HashSet;
use uuid::Uuid;

/// Names that are compared, and bytes of a default that are parsed, in the time of a step.
const COMPARED: u64 = 16;
const PARSED: u64 = 8;
/// Bytes of a text, or of a decimal's sign, that are written in the time of a step.
const COPIED: u64 = 256;
/// The most branches of a union that a message names.
const SHOWN: usize = 20;

impl Plan {
    /// Appends a value. `size` is that of the JSON, in bytes.
    ///
    /// # Errors
    /// When the JSON is not what the schema says, or the value is beyond the limits. Then a part is
    /// written.
    pub fn write(
        &self,
        json: &Value,
        size: usize,
        limits: Limits,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut writing = Writing {
            nodes: &self.nodes,
            // Each field may be missing once or more, and has its default then.
            steps: Limits::steps(size) + 4 * self.nodes.len() as u64,
            end: out.len().saturating_add(limits.bytes),
            limits,
            depth: 0,
            is_default: false,
            out,
        };
        writing.value(self.root, json)
    }
}

struct Writing<'a, 'o> {
    nodes: &'a [Node],
    out: &'o mut Vec<u8>,
    end: usize,
    limits: Limits,
    /// How many more values may be written: a value need not take any byte.
    steps: u64,
    depth: u32,
    /// The JSON is a default value of the schema, for which Avro has a table of its own: unions are
    /// not tagged, and bytes are characters.
    is_default: bool,
}

impl<'a> Writing<'a, '_> {
    fn value(&mut self, id: Id, json: &Value) -> Result<(), Fault> {
        let text = json.as_str().map_or(0, str::len);
        self.step(1 + text as u64 / COPIED)?;
        let node = &self.nodes[id as usize];
        let is_deeper = matches!(
            node,
            Node::Array(_) | Node::Map(_) | Node::Union(_) | Node::Record(_)
        );
        self.depth += u32::from(is_deeper);
        if self.depth > self.limits.depth {
            let most = self.limits.depth;
            let message = format!("the value is nested deeper than {most} levels");
            return Err(Fault::too_large(message));
        }
        self.node(node, json)?;
        self.depth -= u32::from(is_deeper);
        match self.out.len() <= self.end {
            true => Ok(()),
            false => Err(Fault::too_large(format!(
                "in Avro the value is larger than {} bytes",
                self.limits.bytes
            ))),
        }
    }

    /// Counts work that is worth so many values.
    fn step(&mut self, count: u64) -> Result<(), Fault> {
        let left = self.steps.checked_sub(count);
        self.steps = left.ok_or_else(|| {
            Fault::too_large("the value has far more elements than its JSON has bytes")
        })?;
        Ok(())
    }

    fn node(&mut self, node: &'a Node, json: &Value) -> Result<(), Fault> {
        match node {
            Node::Null => match json {
                Value::Null => Ok(()),
                other => Err(found("null", other)),
            },
            Node::Boolean => {
                let value = json.as_bool().ok_or_else(|| found("true or false", json))?;
                self.out.push(value.into());
                Ok(())
            }
            Node::Int => self.int(json),
            Node::Long => self.long_of(json),
            Node::Float => {
                let number = float32(json.number()?, json)?;
                self.raw(&number.to_le_bytes())
            }
            Node::Double => {
                let number = json.number()?;
                self.raw(&number.to_le_bytes())
            }
            Node::Bytes => {
                let bytes = self.bytes(json)?;
                self.block(&bytes)
            }
            Node::String => {
                let text = text(json)?;
                self.block(text.as_bytes())
            }
            Node::Array(items) => self.array(*items, json),
            Node::Map(values) => self.map(*values, json),
            Node::Nullable(null, other) => match json {
                Value::Null => self.long(*null),
                value => {
                    self.long(1 - null)?;
                    self.value(*other, value)
                }
            },
            Node::Union(branches) => self.union(branches, json),
            Node::Record(fields) => self.record(fields, json),
            Node::Enum(symbols) => {
                let symbol = quoted(text(json)?);
                self.step(symbols.len() as u64 / COMPARED)?;
                match symbols.iter().position(|known| *known == symbol) {
                    Some(index) => self.long(index as i64),
                    None => Err(found("a symbol of the enum", json)),
                }
            }
            Node::Fixed(size) => self.fixed(*size, json),
            Node::Decimal(scale, size, precision) => self.decimal(*scale, *size, *precision, json),
            Node::BigDecimal => {
                if self.is_default {
                    let bytes = self.bytes(json)?;
                    return self.block(&bytes);
                }
                let number = json.decimal()?;
                let number = Digits::read(&number)?;
                let scale = number.scale();
                let unscaled = number.unscaled(scale, usize::MAX)?;
                let outer = std::mem::take(self.out);
                self.block(&unscaled)?;
                self.long(scale)?;
                let value = std::mem::replace(self.out, outer);
                self.block(&value)
            }
            Node::Uuid { fixed } => {
                let bytes = match self.is_default {
                    true => self.bytes(json)?,
                    false => {
                        let text = text(json)?;
                        let id = Uuid::try_parse(text);
                        let id = id.map_err(|_| found("a UUID", json))?;
                        id.as_bytes().to_vec()
                    }
                };
                match fixed {
                    true => self.of_size(16, &bytes),
                    false => self.block(&bytes),
                }
            }
            Node::Date => match json {
                Value::String(text) => self.long(instant::days(text)?.into()),
                number => self.int(number),
            },
            Node::TimeMillis => match json {
                Value::String(text) => {
                    let millis = i32::try_from(instant::of_day(text, Unit::Millis)?);
                    let millis = millis.map_err(|_| found("a time of day of 32 bits", json))?;
                    self.long(millis.into())
                }
                number => self.int(number),
            },
            Node::TimeMicros => match json {
                Value::String(text) if !is_digits(text) => {
                    self.long(instant::of_day(text, Unit::Micros)?)
                }
                number => self.long_of(number),
            },
            Node::Timestamp(unit, is_local) => match json {
                Value::String(text) if !is_digits(text) => {
                    self.long(instant::timestamp(text, *unit, *is_local)?)
                }
                number => self.long_of(number),
            },
            Node::Duration => match self.is_default {
                true => self.fixed(12, json),
                false => {
                    let parts = duration(text(json)?)
                        .ok_or_else(|| found("a duration such as \"P1M2DT3.004S\"", json))?;
                    parts
                        .iter()
                        .try_for_each(|part| self.raw(&part.to_le_bytes()))
                }
            },
        }
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Seven bits a byte, the lowest first, zigzag.
    fn long(&mut self, number: i64) -> Result<(), Fault> {
        let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
        while rest >= 0x80 {
            self.out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.out.push(rest as u8);
        Ok(())
    }

    fn int(&mut self, json: &Value) -> Result<(), Fault> {
        let number = i32::try_from(integer(json)?);
        let number = number.map_err(|_| found("a number of 32 bits", json))?;
        self.long(number.into())
    }

    fn long_of(&mut self, json: &Value) -> Result<(), Fault> {
        let number = i64::try_from(integer(json)?);
        let number = number.map_err(|_| found("a number of 64 bits", json))?;
        self.long(number)
    }

    fn block(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.long(bytes.len() as i64)?;
        self.raw(bytes)
    }

    /// Base64, or in a default value a character for each byte.
    fn bytes(&self, json: &Value) -> Result<Vec<u8>, Fault> {
        if !self.is_default {
            return bytes_of(json);
        }
        let bytes = text(json)?.chars().map(|c| u8::try_from(u32::from(c)));
        bytes
            .collect::<Result<_, _>>()
            .map_err(|_| found("characters below U+0100", json))
    }

    fn fixed(&mut self, size: usize, json: &Value) -> Result<(), Fault> {
        let bytes = self.bytes(json)?;
        self.of_size(size, &bytes)
    }

    fn of_size(&mut self, size: usize, bytes: &[u8]) -> Result<(), Fault> {
        match bytes.len() == size {
            true => self.raw(bytes),
            false => Err(Fault::malformed(format!(
                "{size} bytes were expected, and {} found",
                bytes.len()
            ))),
        }
    }

    fn decimal(
        &mut self,
        scale: i64,
        size: Option<usize>,
        precision: usize,
        json: &Value,
    ) -> Result<(), Fault> {
        let number = match self.is_default {
            true => self.bytes(json)?,
            false => Digits::read(&json.decimal()?)?.unscaled(scale, precision)?,
        };
        let Some(size) = size else {
            return self.block(&number);
        };
        let Some(more) = size.checked_sub(number.len()) else {
            return Err(Fault::malformed(format!(
                "the decimal needs {} bytes, and the type has {size}",
                number.len()
            )));
        };
        self.step(more as u64 / COPIED)?;
        let is_negative = number.first().is_some_and(|first| *first >= 0x80);
        let sign = if is_negative { 0xff } else { 0 };
        self.out.extend(std::iter::repeat_n(sign, more));
        self.raw(&number)
    }

    fn array(&mut self, items: Id, json: &Value) -> Result<(), Fault> {
        let list = json.as_array().ok_or_else(|| found("an array", json))?;
        if !list.is_empty() {
            self.long(list.len() as i64)?;
        }
        for (index, item) in list.iter().enumerate() {
            self.value(items, item)
                .map_err(|fault| fault.inside(&index.to_string()))?;
        }
        self.long(0)
    }

    fn map(&mut self, values: Id, json: &Value) -> Result<(), Fault> {
        let map = object(json)?;
        if !map.is_empty() {
            self.long(map.len() as i64)?;
        }
        for (key, value) in map {
            self.block(key.as_bytes())?;
            self.value(values, value)
                .map_err(|fault| fault.inside(key))?;
        }
        self.long(0)
    }

    fn union(&mut self, branches: &'a [Branch], json: &Value) -> Result<(), Fault> {
        self.step(branches.len() as u64 / COMPARED)?;
        if self.is_default {
            return self.untagged(branches, json);
        }
        let tagged = match json {
            Value::Null => Some((None, json)),
            Value::Object(map) => match map.iter().next() {
                Some((name, value)) if map.len() == 1 => Some((Some(&**name), value)),
                _ => None,
            },
            _ => None,
        };
        let found = tagged.and_then(|(name, value)| {
            let of_name = |branch: &Branch| match name {
                None => branch.tag.is_none(),
                Some(name) => branch.tag.is_some() && branch.name == name,
            };
            Some((branches.iter().position(of_name)?, value))
        });
        let Some((index, value)) = found else {
            let names = branches.iter().map(|branch| &*branch.name);
            let names: Vec<&str> = names.take(SHOWN).collect();
            return Err(Fault::malformed(format!(
                "a union was expected, an object with the name of a branch such as {{{:?}: ...}}; \
                 the branches are: {}",
                names
                    .iter()
                    .find(|name| **name != "null")
                    .unwrap_or(&"null"),
                names.join(", ")
            )));
        };
        self.long(index as i64)?;
        let branch = &branches[index];
        self.value(branch.of, value)
            .map_err(|fault| fault.inside(&branch.name))
    }

    /// The first branch that fits.
    fn untagged(&mut self, branches: &'a [Branch], json: &Value) -> Result<(), Fault> {
        let (start, depth) = (self.out.len(), self.depth);
        // Steps are not given back.
        for (index, branch) in branches.iter().enumerate() {
            self.long(index as i64)?;
            match self.value(branch.of, json) {
                Err(fault) if fault.kind() == FaultKind::Malformed => {}
                written => return written,
            }
            self.out.truncate(start);
            self.depth = depth;
        }
        Err(Fault::malformed(
            "the default value fits no branch of its union",
        ))
    }

    fn record(&mut self, fields: &'a [Field], json: &Value) -> Result<(), Fault> {
        let map = object(json)?;
        let mut used = 0;
        for field in fields {
            let written = match (map.get(&field.name), &field.default) {
                (Some(value), _) => {
                    used += 1;
                    self.value(field.of, value)
                }
                (None, Some(default)) => self.default(field.of, default),
                (None, None) => Err(Fault::malformed("it is missing and has no default")),
            };
            written.map_err(|fault| fault.inside(&field.name))?;
        }
        if used == map.len() {
            return Ok(());
        }
        let known: HashSet<&str> = fields.iter().map(|field| &*field.name).collect();
        let unknown = map.keys().find(|name| !known.contains(&***name));
        let unknown = unknown.map_or("", |name| name);
        Err(Fault::malformed(format!(
            "the schema has no field {unknown:?}"
        )))
    }

    fn default(&mut self, of: Id, default: &str) -> Result<(), Fault> {
        self.step(default.len() as u64 / PARSED)?;
        let json: Value = serde_json::from_str(default)
            .map_err(|error| Fault::malformed(format!("its default: {error}")))?;
        let before = std::mem::replace(&mut self.is_default, true);
        let written = self.value(of, &json);
        self.is_default = before;
        written
    }
}

fn is_digits(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Months, days and milliseconds of `P1M2DT3.004S`.
fn duration(text: &str) -> Option<[u32; 3]> {
    let (months, rest) = text.strip_prefix('P')?.split_once('M')?;
    let (days, rest) = rest.split_once("DT")?;
    let (seconds, millis) = rest.strip_suffix('S')?.split_once('.')?;
    let millis = (millis.len() == 3).then_some(millis)?;
    let millis = seconds
        .parse::<u32>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(millis.parse().ok()?)?;
    Some([months.parse().ok()?, days.parse().ok()?, millis])
}
