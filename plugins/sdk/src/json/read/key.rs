//! The keys of objects.

use super::deserializer::{RAW, whole};
use super::{Failed, Reader, Result};
use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// An object's key.
pub(super) struct Key<'a, 'de>(pub &'a mut Reader<'de>);

macro_rules! number_keys {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let key = self.0.string();
            let read = key.and_then(|key| match key.as_bytes() {
                // No white space, which is allowed around a number elsewhere.
                [b'0'..=b'9' | b'-', ..] if !key.ends_with([' ', '\t']) => {
                    whole(key, |from| from.$method(visitor))
                }
                _ => Err(Failed),
            });
            self.0.noted(read)
        }
    )+};
}

/// Keys that are rare, and left to serde_json.
macro_rules! others {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
            self.0.noted(Err(Failed))
        }
    )+};
}

impl<'de> Deserializer<'de> for Key<'_, 'de> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.deserialize_str(visitor)
    }

    number_keys! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    others! {
        deserialize_bool deserialize_f32 deserialize_f64 deserialize_i128 deserialize_u128
        deserialize_bytes deserialize_byte_buf
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        match name == RAW {
            true => self.0.noted(Err(Failed)),
            false => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        char str string unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
