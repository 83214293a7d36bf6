//! A reader as serde's deserializer.

use super::accesses::{Elements, Entries, Raw, Variant};
use super::{Failed, Reader, Result};
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{Deserializer, Visitor};

/// The name by which serde_json's `RawValue` asks for a value's text.
pub(super) const RAW: &str = "$serde_json::private::RawValue";

impl<'de> Reader<'de> {
    /// Notes a failure.
    pub fn noted<T>(&mut self, result: Result<T>) -> Result<T> {
        self.failed |= result.is_err();
        result
    }

    fn any<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.space() {
            b'"' => self.text(visitor),
            b'{' => self.object(visitor),
            b'[' => self.list(visitor),
            b't' | b'f' => self.boolean(visitor),
            b'n' => self.null(visitor),
            _ => {
                let number = self.number()?;
                // serde_json's `Number` has digits of its own with one of its features.
                whole(number, |from| from.deserialize_any(visitor))
            }
        }
    }

    fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        self.space();
        let string = self.string()?;
        match self.escapes {
            true => whole(self.quoted(string)?, |from| from.deserialize_str(visitor)),
            false => visitor.visit_borrowed_str(string),
        }
    }

    fn object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        self.enter()?;
        let value = visitor.visit_map(Entries::of(self))?;
        self.leave(b'}')?;
        Ok(value)
    }

    fn list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        self.enter()?;
        let value = visitor.visit_seq(Elements::of(self))?;
        self.leave(b']')?;
        Ok(value)
    }

    fn boolean<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let value = self.space() == b't';
        self.word(if value { "true" } else { "false" })?;
        visitor.visit_bool(value)
    }

    fn null<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        self.space();
        self.word("null")?;
        visitor.visit_unit()
    }

    fn enumerated<V: Visitor<'de>>(
        &mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if self.space() == b'{' {
            self.enter()?;
            let value = visitor.visit_enum(Variant(&mut *self))?;
            self.leave(b'}')?;
            return Ok(value);
        }
        let string = self.string()?;
        match self.escapes {
            true => whole(self.quoted(string)?, |from| {
                from.deserialize_enum(name, variants, visitor)
            }),
            false => visitor.visit_enum(BorrowedStrDeserializer::new(string)),
        }
    }
}

/// Leaves a part to serde_json, which must need all of it.
pub(super) fn whole<'de, T>(
    part: &'de str,
    read: impl FnOnce(
        &mut serde_json::Deserializer<serde_json::de::StrRead<'de>>,
    ) -> serde_json::Result<T>,
) -> Result<T> {
    let mut from = serde_json::Deserializer::from_str(part);
    let value = read(&mut from).map_err(|_| Failed)?;
    from.end().map_err(|_| Failed)?;
    Ok(value)
}

macro_rules! numbers {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.space();
            let read = self.number();
            let read = read.and_then(|number| whole(number, |from| from.$method(visitor)));
            self.noted(read)
        }
    )+};
}

macro_rules! others {
    ($($method:ident: $own:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let read = self.$own(visitor);
            self.noted(read)
        }
    )+};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Failed;

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    others! {
        deserialize_any: any
        deserialize_bool: boolean
        deserialize_char: text
        deserialize_str: text
        deserialize_string: text
        deserialize_identifier: text
        deserialize_unit: null
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let read = self.skip();
        let read = read.and_then(|part| whole(part, |from| from.deserialize_bytes(visitor)));
        self.noted(read)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.space() != b'n' {
            return visitor.visit_some(self);
        }
        let read = self.word("null").and_then(|()| visitor.visit_none());
        self.noted(read)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        if name != RAW {
            return visitor.visit_newtype_struct(self);
        }
        let read = self.skip();
        let read = read.and_then(|part| visitor.visit_map(Raw(Some(part))));
        self.noted(read)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let read = match self.space() {
            b'[' => self.list(visitor),
            _ => Err(Failed),
        };
        self.noted(read)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let read = match self.space() {
            b'{' => self.object(visitor),
            _ => Err(Failed),
        };
        self.noted(read)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.space() {
            b'[' => self.deserialize_seq(visitor),
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let read = self.enumerated(name, variants, visitor);
        self.noted(read)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let read = self.skip().and_then(|_| visitor.visit_unit());
        self.noted(read)
    }
}
