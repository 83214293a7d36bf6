//! Writes Protobuf's own JSON as a message.

use super::number::{Number, wire_type};
use super::plan::{Field, Id, Kind, Message, Plan, Shape, WellKnown};
use super::well_known::SECONDS;
use super::wire::{Type, write_varint};
use crate::schema::expected::{Expected, bytes_of, float32, found, integer, object, text};
use crate::schema::fault::Fault;
use crate::schema::instant;
use crate::schema::json::quoted;
use crate::schema::limits::Limits;
use serde_json::{Map, Value};
use std::collections::HashMap;

impl Plan {
    /// Appends a message.
    ///
    /// # Errors
    /// When the JSON is not what the schema says, or the message is beyond the limits. Then a part
    /// is written.
    pub fn write(
        &self,
        message: Id,
        json: &Value,
        limits: Limits,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut writing = Writing {
            plan: self,
            limits,
            depth: 0,
        };
        let mut bytes = Vec::new();
        writing.message(message, json, &mut bytes)?;
        match bytes.len() <= limits.bytes {
            true => out.append(&mut bytes),
            false => {
                let most = limits.bytes;
                let message = format!("in Protobuf the value is larger than {most} bytes");
                return Err(Fault::too_large(message));
            }
        }
        Ok(())
    }
}

struct Writing<'a> {
    plan: &'a Plan,
    limits: Limits,
    depth: u32,
}

impl<'a> Writing<'a> {
    fn message(&mut self, id: Id, json: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.enter()?;
        let message = &self.plan.messages[id as usize];
        match message.well_known {
            Some(kind) => self.well_known(message, kind, json, out)?,
            None => self.fields(message, object(json)?, out)?,
        }
        self.depth -= 1;
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Fault> {
        if self.depth >= self.limits.depth {
            let most = self.limits.depth;
            let message = format!("the value is nested deeper than {most} levels");
            return Err(Fault::too_large(message));
        }
        self.depth += 1;
        Ok(())
    }

    fn fields<'j>(
        &mut self,
        message: &'a Message,
        json: impl IntoIterator<Item = (&'j String, &'j Value)>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut given: Vec<(&'a Field, &str, &Value)> = Vec::new();
        for (name, value) in json {
            let field = message.named(name).ok_or_else(|| {
                let of = &message.name;
                Fault::malformed(format!("the message {of} has no field {name:?}"))
            })?;
            if !value.is_null() || self.takes_null(field) {
                given.push((field, name, value));
            }
        }
        given.sort_by_key(|(field, _, _)| field.number);
        for pair in given.windows(2) {
            if pair[0].0.number == pair[1].0.number {
                let (one, other) = (pair[0].1, pair[1].1);
                let message = format!("{one:?} and {other:?} are the same field");
                return Err(Fault::malformed(message));
            }
        }
        let mut chosen: HashMap<u16, &str> = HashMap::new();
        for (field, name, _) in &given {
            let other = field.oneof.and_then(|oneof| chosen.insert(oneof, name));
            if let Some(other) = other {
                let message = format!("{other:?} and {name:?} exclude each other");
                return Err(Fault::malformed(message));
            }
        }
        for number in &message.required {
            let is_given = given.binary_search_by_key(number, |(field, _, _)| field.number);
            if is_given.is_err() {
                let field = message
                    .field(*number)
                    .map(|index| &*message.fields[index].name);
                let fault = Fault::malformed("it is missing, and the schema requires it");
                return Err(fault.inside(field.unwrap_or_default()));
            }
        }
        for (field, name, value) in given {
            self.field(field, value, out)
                .map_err(|fault| fault.inside(name))?;
        }
        Ok(())
    }

    /// Whether null is a value of this field, and not the same as none.
    fn takes_null(&self, field: &Field) -> bool {
        match (field.kind, field.shape) {
            (_, Shape::List | Shape::Map(_)) => false,
            (Kind::Message(id), _) => {
                let message = &self.plan.messages[id as usize];
                message.well_known == Some(WellKnown::Value)
            }
            (Kind::Enum(id), _) => self.plan.enums[id as usize].is_null,
            _ => false,
        }
    }

    fn field(&mut self, field: &Field, json: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
        match field.shape {
            Shape::Implicit => {
                let mut value = Vec::new();
                let is_default = self.value(field.kind, json, &mut value)?;
                if !is_default {
                    self.tagged(field, &value, out);
                }
                Ok(())
            }
            Shape::Explicit => self.one(field, json, out),
            Shape::List => {
                let list = json.as_array().ok_or_else(|| found("an array", json))?;
                self.list(field, list, out)
            }
            Shape::Map(entry) => self.map(field.number, entry, object(json)?, out),
        }
    }

    fn one(&mut self, field: &Field, json: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut value = Vec::new();
        self.value(field.kind, json, &mut value)?;
        self.tagged(field, &value, out);
        Ok(())
    }

    fn list(&mut self, field: &Field, list: &[Value], out: &mut Vec<u8>) -> Result<(), Fault> {
        let (_, is_packed) = wire_type(field.kind);
        let mut packed = Vec::new();
        for (index, item) in list.iter().enumerate() {
            let written = match is_packed {
                true => self.value(field.kind, item, &mut packed).map(drop),
                false => self.one(field, item, out),
            };
            written.map_err(|fault| fault.inside(&index.to_string()))?;
        }
        if !packed.is_empty() {
            block(field.number, &packed, out);
        }
        Ok(())
    }

    fn map(
        &mut self,
        number: u32,
        entry: Id,
        json: &Map<String, Value>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let fields = &self.plan.messages[entry as usize].fields;
        let [key, value] = &fields[..] else {
            return Err(Fault::malformed("a map's entry has no key or value"));
        };
        for (name, item) in json {
            let mut bytes = Vec::new();
            let named = match key.kind {
                Kind::Bool => match &**name {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => Value::from(&**name),
                },
                _ => Value::from(&**name),
            };
            let written = self.one(key, &named, &mut bytes);
            let written = written.and_then(|()| self.one(value, item, &mut bytes));
            written.map_err(|fault| fault.inside(name))?;
            block(number, &bytes, out);
        }
        Ok(())
    }

    /// Writes a value without its tag, and says whether it is its type's default.
    fn value(&mut self, kind: Kind, json: &Value, out: &mut Vec<u8>) -> Result<bool, Fault> {
        let number = match kind {
            Kind::String => {
                let text = text(json)?;
                out.extend_from_slice(text.as_bytes());
                return Ok(text.is_empty());
            }
            Kind::Bytes => {
                let bytes = bytes_of(json)?;
                out.extend_from_slice(&bytes);
                return Ok(bytes.is_empty());
            }
            Kind::Message(id) | Kind::Group(id) => {
                self.message(id, json, out)?;
                return Ok(false);
            }
            Kind::Enum(id) => Number::Signed(self.symbol(id, json)?.into()),
            Kind::Bool => {
                let value = json.as_bool().ok_or_else(|| found("true or false", json))?;
                Number::Bool(value)
            }
            Kind::Float => Number::Float(float32(json.number_or_digits()?, json)?),
            Kind::Double => Number::Double(json.number_or_digits()?),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                let number = i32::try_from(integer(json)?);
                let number = number.map_err(|_| found("a number of 32 bits", json))?;
                Number::Signed(number.into())
            }
            Kind::Uint32 | Kind::Fixed32 => {
                let number = u32::try_from(integer(json)?);
                let number = number.map_err(|_| found("a number of 32 bits from 0 on", json))?;
                Number::Unsigned(number.into())
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                let number = i64::try_from(integer(json)?);
                Number::Signed(number.map_err(|_| found("a number of 64 bits", json))?)
            }
            Kind::Uint64 | Kind::Fixed64 => {
                let number = u64::try_from(integer(json)?);
                Number::Unsigned(number.map_err(|_| found("a number of 64 bits from 0 on", json))?)
            }
        };
        number.write(kind, out);
        Ok(number.is_zero())
    }

    /// The number of an enum's symbol, or of a number.
    fn symbol(&self, id: Id, json: &Value) -> Result<i32, Fault> {
        let of = &self.plan.enums[id as usize];
        let name = match json {
            Value::Null if of.is_null => return Ok(0),
            Value::String(name) => quoted(name),
            Value::Number(_) => {
                let number = i32::try_from(integer(json)?);
                return number.map_err(|_| found("a number of 32 bits", json));
            }
            other => return Err(found("a symbol of the enum", other)),
        };
        let at = of.by_name.binary_search_by(|(known, _)| known.cmp(&name));
        let number = at.ok().map(|at| of.by_name[at].1);
        number.ok_or_else(|| found("a symbol of the enum", json))
    }

    /// Writes a value after its tag.
    fn tagged(&self, field: &Field, value: &[u8], out: &mut Vec<u8>) {
        let (wire, _) = wire_type(field.kind);
        match wire {
            Type::Bytes => block(field.number, value, out),
            Type::StartGroup => {
                tag(field.number, Type::StartGroup, out);
                out.extend_from_slice(value);
                tag(field.number, Type::EndGroup, out);
            }
            wire => {
                tag(field.number, wire, out);
                out.extend_from_slice(value);
            }
        }
    }

    fn well_known(
        &mut self,
        message: &'a Message,
        kind: WellKnown,
        json: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let only = message.fields.first();
        match (kind, only) {
            (WellKnown::Empty, _) => match object(json)?.keys().next() {
                None => Ok(()),
                Some(name) => Err(Fault::malformed(format!("Empty has no field {name:?}"))),
            },
            (WellKnown::Timestamp, _) => {
                let nanos = instant::nanoseconds(text(json)?, false)?;
                let (seconds, nanos) = (nanos.div_euclid(NANOS), nanos.rem_euclid(NANOS));
                if !i64::try_from(seconds).is_ok_and(|seconds| SECONDS.contains(&seconds)) {
                    return Err(found("a time of the years 1 to 9999", json));
                }
                seconds_and_nanos(seconds, nanos, out);
                Ok(())
            }
            (WellKnown::Duration, _) => {
                let nanos = span(text(json)?);
                let nanos = nanos.ok_or_else(|| found("a duration such as \"1.500s\"", json))?;
                seconds_and_nanos(nanos / NANOS, nanos % NANOS, out);
                Ok(())
            }
            (WellKnown::FieldMask, _) => {
                let paths = text(json)?.split(',').filter(|path| !path.is_empty());
                paths.for_each(|path| block(1, snake_case(path).as_bytes(), out));
                Ok(())
            }
            (WellKnown::Any, _) => self.any(object(json)?, out),
            (WellKnown::Value, _) => self.any_value(message, json, out),
            (WellKnown::Wrapper | WellKnown::Struct, Some(field)) => self.field(field, json, out),
            (WellKnown::ListValue, Some(field)) => {
                let list = json.as_array().ok_or_else(|| found("an array", json))?;
                self.list(field, list, out)
            }
            (_, None) => Err(Fault::malformed("the message has no field")),
        }
    }

    /// `google.protobuf.Value`: the field of the JSON's type.
    fn any_value(
        &mut self,
        message: &'a Message,
        json: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let number = match json {
            Value::Null => 1,
            Value::Number(_) => 2,
            Value::String(_) => 3,
            Value::Bool(_) => 4,
            Value::Object(_) => 5,
            Value::Array(_) => 6,
        };
        let field = message.field(number).map(|index| &message.fields[index]);
        match field {
            Some(field) => self.one(field, json, out),
            None => Err(Fault::malformed("the message Value lacks a field")),
        }
    }

    fn any(&mut self, json: &Map<String, Value>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let Some(url) = json.get("@type") else {
            return match json.keys().next() {
                None => Ok(()),
                Some(_) => Err(Fault::malformed("an Any lacks its \"@type\"")),
            };
        };
        let url = text(url)?;
        let name = url.rsplit('/').next().unwrap_or_default();
        let mut value = Vec::new();
        match self.plan.any(name) {
            Some(id) if self.plan.messages[id as usize].well_known.is_some() => {
                let json = json.get("value").unwrap_or(&Value::Null);
                self.message(id, json, &mut value)
            }
            Some(id) => {
                self.enter()?;
                let message = &self.plan.messages[id as usize];
                let fields = json.iter().filter(|(name, _)| *name != "@type");
                let written = self.fields(message, fields, &mut value);
                self.depth -= 1;
                written
            }
            // As such a message is read.
            None => match json.get("value").map(bytes_of) {
                Some(bytes) if json.len() == 2 => bytes.map(|bytes| value = bytes),
                _ => Err(Fault::malformed(format!(
                    "the type {name:?} is not in the schema or its imports"
                ))),
            },
        }
        .map_err(|fault| fault.inside(name))?;
        block(1, url.as_bytes(), out);
        if !value.is_empty() {
            block(2, &value, out);
        }
        Ok(())
    }
}

const NANOS: i128 = 1_000_000_000;

fn seconds_and_nanos(seconds: i128, nanos: i128, out: &mut Vec<u8>) {
    for (number, value) in [(1, seconds), (2, nanos)] {
        if value != 0 {
            tag(number, Type::Varint, out);
            write_varint((value as i64).cast_unsigned(), out);
        }
    }
}

/// Nanoseconds of `-1.500s`.
fn span(text: &str) -> Option<i128> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let number = text.strip_suffix('s')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = !whole.is_empty() && whole.len() <= 12 && fraction.len() <= 9;
    if !fits || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    let total = whole.parse::<i128>().ok()? * NANOS + nanos;
    (total <= 315_576_000_000 * NANOS).then_some(sign * total)
}

/// `user.displayName` as it is in a field mask.
fn snake_case(path: &str) -> String {
    let mut snake = String::with_capacity(path.len() + 4);
    for c in path.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

fn tag(number: u32, wire: Type, out: &mut Vec<u8>) {
    write_varint(u64::from(number) << 3 | wire.code(), out);
}

fn block(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    tag(number, Type::Bytes, out);
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}
