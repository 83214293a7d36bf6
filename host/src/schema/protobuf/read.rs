//! Reads a message by its plan and writes Protobuf's own JSON.
//!
//! A message is read twice. The first pass finds its fields: on the wire they may come in any
//! order, in parts, and more than once. The second one writes them in the order of their numbers.

use super::found::{Fields, Finder, Found};
use super::number::{Number, is_long};
use super::plan::{Enum, Field, Id, Kind, Message, Plan, Shape, WellKnown};
use super::well_known::{self, AnyOf, Form};
use super::wire::Wire;
use crate::schema::fault::Fault;
use crate::schema::json::Json;
use crate::schema::limits::Limits;

impl Plan {
    /// Appends a message as JSON.
    ///
    /// # Errors
    /// When the bytes are not what the schema says, or beyond the limits. Then a part is written.
    pub fn read(
        &self,
        message: Id,
        value: &[u8],
        limits: Limits,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if u32::try_from(value.len()).is_err() {
            return Err(Fault::too_large("the value is larger than 4 GiB"));
        }
        let mut reading = Reading {
            plan: self,
            bytes: value,
            json: Json::new(out, value.len(), limits),
            found: Vec::new(),
            groups: limits.depth,
        };
        reading.message(message, &[(0, value.len())])
    }
}

pub(super) struct Reading<'a, 'j> {
    pub plan: &'a Plan,
    pub bytes: &'a [u8],
    pub json: Json<'j>,
    /// The fields of the messages that are being read, the innermost last.
    pub found: Vec<Found>,
    /// How deep groups may nest.
    groups: u32,
}

impl<'a> Reading<'a, '_> {
    /// A message whose bytes are in these parts: if a message comes in several, they are merged.
    pub fn message(&mut self, id: Id, parts: &[(usize, usize)]) -> Result<(), Fault> {
        self.json.enter()?;
        let message = &self.plan.messages[id as usize];
        let first = self.find(message, parts)?;
        match message.well_known {
            Some(kind) => self.well_known(message, kind, first)?,
            None => {
                self.json.byte(b'{')?;
                self.fields(message, first, false)?;
                self.json.byte(b'}')?;
            }
        }
        self.found.truncate(first);
        self.json.leave();
        Ok(())
    }

    /// Finds the fields of a message, and returns where they begin.
    pub fn find(&mut self, message: &Message, parts: &[(usize, usize)]) -> Result<usize, Fault> {
        let first = self.found.len();
        let finder = Finder {
            bytes: self.bytes,
            groups: self.groups,
        };
        finder.find(message, parts, &mut self.json, &mut self.found)?;
        Ok(first)
    }

    /// Writes one of Google's messages.
    fn well_known(
        &mut self,
        message: &Message,
        kind: WellKnown,
        first: usize,
    ) -> Result<(), Fault> {
        let found = std::mem::take(&mut self.found);
        let fields = Fields {
            message,
            bytes: self.bytes,
            found: &found[first..],
        };
        let form = well_known::form(kind, fields, self.plan);
        self.found = found;
        match form? {
            Form::Json(json) => self.json.raw(json),
            Form::Text(text) => self.json.string(&text),
            Form::Default(kind) => self.default(kind),
            Form::Values(field, count) => {
                let end = self.found.len();
                self.values(field, end - count..end)
            }
            Form::Any(any) => self.any(&any),
        }
    }

    /// The message in it with its type; the bytes of one whose type is not in the schema.
    fn any(&mut self, any: &AnyOf<'_>) -> Result<(), Fault> {
        self.json.raw(b"{\"@type\":")?;
        self.json.string(any.url)?;
        match any.id {
            Some(id) if self.plan.messages[id as usize].well_known.is_some() => {
                self.json.raw(b",\"value\":")?;
                self.message(id, &[any.part])?;
            }
            Some(id) => {
                let message = &self.plan.messages[id as usize];
                let first = self.find(message, &[any.part])?;
                self.fields(message, first, true)?;
                self.found.truncate(first);
            }
            None => {
                self.json.raw(b",\"value\":")?;
                self.json.base64(&self.bytes[any.part.0..any.part.1])?;
            }
        }
        self.json.byte(b'}')
    }

    /// Writes the fields from `first` on.
    fn fields(&mut self, message: &Message, first: usize, comma: bool) -> Result<(), Fault> {
        let mut comma = comma;
        let mut at = first;
        let end = self.found.len();
        while at < end {
            let index = self.found[at].field;
            let count = { self.found[at..end].iter() }
                .take_while(|found| found.field == index)
                .count();
            let field = &message.fields[index as usize];
            let written = self.field(field, at..at + count, comma);
            comma |= written.map_err(|fault| fault.inside(&field.name))?;
            at += count;
        }
        Ok(())
    }

    /// Writes a field with these values; returns false if that was nothing.
    fn field(
        &mut self,
        field: &Field,
        values: std::ops::Range<usize>,
        comma: bool,
    ) -> Result<bool, Fault> {
        let last = self.found[values.end - 1];
        if let Shape::Implicit = field.shape
            && self.is_default(field.kind, last)?
        {
            return Ok(false);
        }
        if comma {
            self.json.byte(b',')?;
        }
        self.json.raw(field.label.as_bytes())?;
        self.values(field, values)?;
        Ok(true)
    }

    /// Writes what a field's values come to.
    fn values(&mut self, field: &Field, values: std::ops::Range<usize>) -> Result<(), Fault> {
        let last = self.found[values.end - 1];
        match (field.shape, field.kind) {
            (Shape::Map(entry), _) => self.map(entry, values),
            (Shape::List, kind) => self.list(kind, values),
            (_, Kind::Message(id) | Kind::Group(id)) if values.len() == 1 => {
                self.message(id, &[last.part()])
            }
            (_, Kind::Message(id) | Kind::Group(id)) => {
                let parts: Vec<_> = self.found[values].iter().map(Found::part).collect();
                self.message(id, &parts)
            }
            (_, kind) => self.scalar(kind, last),
        }
    }

    fn list(&mut self, kind: Kind, values: std::ops::Range<usize>) -> Result<(), Fault> {
        self.json.enter()?;
        self.json.byte(b'[')?;
        let mut index = 0_u64;
        for at in values {
            let found = self.found[at];
            let mut wire = Wire::of(self.bytes, found.part().0, found.part().1);
            while found.packed && !wire.is_empty() {
                self.json.step()?;
                if index > 0 {
                    self.json.byte(b',')?;
                }
                self.number(kind, &mut wire)?;
                index += 1;
            }
            if !found.packed {
                if index > 0 {
                    self.json.byte(b',')?;
                }
                let written = match kind {
                    Kind::Message(id) | Kind::Group(id) => self.message(id, &[found.part()]),
                    _ => self.scalar(kind, found),
                };
                written.map_err(|fault| fault.inside(&index.to_string()))?;
                index += 1;
            }
        }
        self.json.leave();
        self.json.byte(b']')
    }

    /// Whether a value is the default one, which a field without presence does not write.
    fn is_default(&self, kind: Kind, found: Found) -> Result<bool, Fault> {
        let (start, end) = found.part();
        Ok(match kind {
            Kind::String | Kind::Bytes => start == end,
            Kind::Message(_) | Kind::Group(_) => false,
            _ => Number::read(kind, &mut Wire::of(self.bytes, start, end))?.is_zero(),
        })
    }

    /// Writes a value that is not a message.
    pub fn scalar(&mut self, kind: Kind, found: Found) -> Result<(), Fault> {
        let (start, end) = found.part();
        match kind {
            Kind::String => self.json.string(&self.bytes[start..end]),
            Kind::Bytes => self.json.base64(&self.bytes[start..end]),
            _ => self.number(kind, &mut Wire::of(self.bytes, start, end)),
        }
    }

    fn number(&mut self, kind: Kind, wire: &mut Wire<'a>) -> Result<(), Fault> {
        let number = Number::read(kind, wire)?;
        if let (Kind::Enum(id), Number::Signed(number)) = (kind, number) {
            return self.symbol(&self.plan.enums[id as usize], number as i32);
        }
        let is_long = is_long(kind);
        if is_long {
            self.json.byte(b'"')?;
        }
        match number {
            Number::Bool(true) => self.json.raw(b"true")?,
            Number::Bool(false) => self.json.raw(b"false")?,
            Number::Signed(number) => self.json.number(number)?,
            Number::Unsigned(number) => self.json.number(number)?,
            Number::Float(number) => self.json.float32(number)?,
            Number::Double(number) => self.json.float(number)?,
        }
        match is_long {
            true => self.json.byte(b'"'),
            false => Ok(()),
        }
    }

    fn symbol(&mut self, of: &Enum, number: i32) -> Result<(), Fault> {
        if of.is_null {
            return self.json.raw(b"null");
        }
        match of
            .names
            .binary_search_by_key(&number, |(number, _)| *number)
        {
            Ok(index) => self.json.raw(of.names[index].1.as_bytes()),
            Err(_) => self.json.number(number),
        }
    }

    /// Writes the default value of a type, where a map's entry has none.
    pub fn default(&mut self, kind: Kind) -> Result<(), Fault> {
        match kind {
            Kind::String | Kind::Bytes => self.json.raw(b"\"\""),
            Kind::Bool => self.json.raw(b"false"),
            Kind::Enum(id) => self.symbol(&self.plan.enums[id as usize], 0),
            Kind::Message(id) | Kind::Group(id) => self.message(id, &[]),
            Kind::Float | Kind::Double => self.json.raw(b"0.0"),
            kind if is_long(kind) => self.json.raw(b"\"0\""),
            _ => self.json.byte(b'0'),
        }
    }
}
