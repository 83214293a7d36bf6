//! Reads a value by its plan and writes it as JSON.

use super::keys::Keys;
use super::plan::{Field, Id, Node, Plan};
use super::varint::Bytes;
use crate::schema::decimal::decimal;
use crate::schema::fault::Fault;
use crate::schema::json::Json;
use crate::schema::limits::Limits;
use crate::schema::table::Table;
use crate::schema::time::{self, Unit};
use uuid::Uuid;

impl Plan {
    /// Whether a value is nothing but bytes: Confluent's serializer for Java writes a value of the
    /// type `bytes` without its length. Others write it.
    pub fn is_bare(&self, value: &[u8]) -> bool {
        let is_bytes = matches!(self.nodes[self.root as usize], Node::Bytes);
        let mut rest = Bytes(value);
        is_bytes && !(rest.block().is_ok() && rest.0.is_empty())
    }

    /// Appends a value that is nothing but bytes.
    ///
    /// # Errors
    /// When it is beyond the limits.
    pub fn read_bare(&self, value: &[u8], limits: Limits, out: &mut Vec<u8>) -> Result<(), Fault> {
        Json::new(out, value.len(), limits).base64(value)
    }

    /// Appends a value as JSON.
    ///
    /// # Errors
    /// When the bytes are not what the schema says, or beyond the limits. Then a part is written.
    pub fn read(
        &self,
        value: &[u8],
        table: Table,
        limits: Limits,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut reading = Reading {
            nodes: &self.nodes,
            bytes: Bytes(value),
            json: Json::new(out, value.len(), limits),
            table,
        };
        reading.value(self.root)?;
        match reading.bytes.0.len() {
            0 => Ok(()),
            left => Err(Fault::malformed(format!("{left} bytes follow the value"))),
        }
    }
}

struct Reading<'a, 'j> {
    nodes: &'a [Node],
    bytes: Bytes<'a>,
    json: Json<'j>,
    table: Table,
}

impl<'a> Reading<'a, '_> {
    fn value(&mut self, id: Id) -> Result<(), Fault> {
        self.json.step()?;
        match &self.nodes[id as usize] {
            Node::Null => self.json.raw(b"null"),
            Node::Boolean => match self.bytes.array()? {
                [0] => self.json.raw(b"false"),
                [1] => self.json.raw(b"true"),
                [other] => Err(Fault::malformed(format!("a boolean is {other}"))),
            },
            Node::Int => {
                let number = self.bytes.int()?;
                self.json.number(number)
            }
            Node::Long => {
                let number = self.bytes.long()?;
                self.long(number)
            }
            Node::Float => {
                let number = f32::from_le_bytes(self.bytes.array()?);
                self.json.float32(number)
            }
            Node::Double => {
                let number = f64::from_le_bytes(self.bytes.array()?);
                self.json.float(number)
            }
            Node::Bytes => {
                let bytes = self.bytes.block()?;
                self.json.base64(bytes)
            }
            Node::String => {
                let text = self.bytes.block()?;
                self.json.string(text)
            }
            Node::Array(items) => self.array(*items),
            Node::Map(values) => self.map(*values),
            Node::Nullable(null, other) => match self.bytes.long()? {
                branch if branch == *null => self.json.raw(b"null"),
                0 | 1 => self.value(*other),
                branch => Err(no_branch(branch, 2)),
            },
            Node::Union(branches) => {
                let index = self.bytes.long()?;
                let branch = usize::try_from(index).ok().and_then(|at| branches.get(at));
                let branch = branch.ok_or_else(|| no_branch(index, branches.len()))?;
                let Some(tag) = &branch.tag else {
                    return self.json.raw(b"null");
                };
                self.json.enter()?;
                self.json.raw(tag.as_bytes())?;
                self.value(branch.of)
                    .map_err(|fault| fault.inside(&branch.name))?;
                self.json.leave();
                self.json.byte(b'}')
            }
            Node::Record(fields) => self.record(fields),
            Node::Enum(symbols) => {
                let index = self.bytes.int()?;
                let symbol = usize::try_from(index).ok().and_then(|at| symbols.get(at));
                match symbol {
                    Some(symbol) => self.json.raw(symbol.as_bytes()),
                    None => Err(Fault::malformed(format!(
                        "the symbol {index} of an enum that has {}",
                        symbols.len()
                    ))),
                }
            }
            Node::Fixed(size) => {
                let bytes = self.bytes.take(*size)?;
                self.json.base64(bytes)
            }
            Node::Decimal(scale, fixed, _) => {
                let unscaled = match fixed {
                    Some(size) => self.bytes.take(*size)?,
                    None => self.bytes.block()?,
                };
                self.decimal(unscaled, *scale)
            }
            Node::BigDecimal => {
                let mut inner = Bytes(self.bytes.block()?);
                let unscaled = inner.block()?;
                let scale = inner.long()?;
                self.decimal(unscaled, scale)
            }
            Node::Uuid { fixed } => {
                let bytes = match fixed {
                    true => self.bytes.take(16)?,
                    false => self.bytes.block()?,
                };
                let id = Uuid::from_slice(bytes)
                    .map_err(|_| Fault::malformed(format!("a UUID has {} bytes", bytes.len())))?;
                let mut text = Uuid::encode_buffer();
                self.json
                    .quoted(id.hyphenated().encode_lower(&mut text).as_bytes())
            }
            Node::Date => {
                let days = self.bytes.int()?;
                match self.table.timestamps_are_numbers {
                    true => self.json.number(days),
                    false => self.json.quoted(time::date(days.into()).as_bytes()),
                }
            }
            Node::TimeMillis => {
                let millis = self.bytes.int()?;
                match self.table.timestamps_are_numbers {
                    true => self.json.number(millis),
                    false => self
                        .json
                        .quoted(time::time(millis.into(), Unit::Millis).as_bytes()),
                }
            }
            Node::TimeMicros => {
                let micros = self.bytes.long()?;
                match self.table.timestamps_are_numbers {
                    true => self.long(micros),
                    false => self
                        .json
                        .quoted(time::time(micros, Unit::Micros).as_bytes()),
                }
            }
            Node::Timestamp(unit, is_local) => {
                let parts = self.bytes.long()?;
                match self.table.timestamps_are_numbers {
                    true => self.long(parts),
                    false => self
                        .json
                        .quoted(time::timestamp(parts, *unit, *is_local).as_bytes()),
                }
            }
            Node::Duration => {
                let [months, days, millis] = [
                    self.bytes.array()?,
                    self.bytes.array()?,
                    self.bytes.array()?,
                ]
                .map(u32::from_le_bytes);
                let (seconds, millis) = (millis / 1000, millis % 1000);
                let text = format!("P{months}M{days}DT{seconds}.{millis:03}S");
                self.json.quoted(text.as_bytes())
            }
        }
    }

    fn long(&mut self, number: i64) -> Result<(), Fault> {
        if !self.table.longs_are_strings {
            return self.json.number(number);
        }
        self.json.byte(b'"')?;
        self.json.number(number)?;
        self.json.byte(b'"')
    }

    fn decimal(&mut self, unscaled: &[u8], scale: i64) -> Result<(), Fault> {
        // Its work grows with the square of its length.
        self.json
            .steps((unscaled.len() * unscaled.len() / 64) as u64)?;
        let text = decimal(unscaled, scale)?;
        self.json.quoted(text.as_bytes())
    }

    fn record(&mut self, fields: &'a [Field]) -> Result<(), Fault> {
        self.json.enter()?;
        self.json.byte(b'{')?;
        for field in fields {
            self.json.raw(field.label.as_bytes())?;
            self.value(field.of)
                .map_err(|fault| fault.inside(&field.name))?;
        }
        self.json.leave();
        self.json.byte(b'}')
    }

    fn array(&mut self, items: Id) -> Result<(), Fault> {
        self.json.enter()?;
        self.json.byte(b'[')?;
        let mut index = 0_u64;
        loop {
            let count = self.block_count()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                if index > 0 {
                    self.json.byte(b',')?;
                }
                self.value(items)
                    .map_err(|fault| fault.inside(&index.to_string()))?;
                index += 1;
            }
        }
        self.json.leave();
        self.json.byte(b']')
    }

    fn map(&mut self, values: Id) -> Result<(), Fault> {
        self.json.enter()?;
        self.json.byte(b'{')?;
        let mut keys = Keys::default();
        loop {
            let count = self.block_count()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                let key = self.bytes.block()?;
                if !keys.is_first() {
                    self.json.byte(b',')?;
                }
                keys.add(key)?;
                self.json.string(key)?;
                self.json.byte(b':')?;
                self.value(values)
                    .map_err(|fault| fault.inside(&String::from_utf8_lossy(key)))?;
            }
        }
        self.json.leave();
        self.json.byte(b'}')
    }

    /// The number of items of the next block of an array or a map; 0 at its end.
    fn block_count(&mut self) -> Result<u64, Fault> {
        let count = self.bytes.long()?;
        if count < 0 {
            // Its size in bytes, for readers that skip it.
            self.bytes.long()?;
        }
        Ok(count.unsigned_abs())
    }
}

#[cold]
fn no_branch(index: i64, count: usize) -> Fault {
    Fault::malformed(format!("the branch {index} of a union that has {count}"))
}
