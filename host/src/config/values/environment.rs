//! `"${NAME}"` in place of a number, a boolean or a word.
//!
//! TOML sees a string, and only the reading type knows what it expects. So this wraps toml's
//! deserializer, which covers every key, also future ones. Strings are expanded by their own type,
//! [`Text`](super::Text).

use super::expand::expand;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer,
    MapAccess, SeqAccess, Visitor,
};
use std::fmt;

/// Like [`toml::from_str`], and expands variables.
pub(in crate::config) fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, toml::de::Error> {
    T::deserialize(Expanding(toml::Deserializer::parse(text)?))
}

/// Wraps the deserializer of a value and of everything in it.
struct Expanding<T>(T);
/// A visitor for values that are not scalars; wraps what they contain in [`Expanding`].
struct Within<V>(V);
/// A visitor for a number or a boolean.
struct Scalar<V>(V);
/// A visitor for one of several words.
struct Word<V>(V);

macro_rules! deserialize {
    ($wrap:ident: $($method:ident($($argument:ident: $kind:ty),*))*) => { $(
        fn $method<V: Visitor<'de>>(self $(, $argument: $kind)*, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($argument,)* $wrap(visitor))
        }
    )* };
}

macro_rules! deserialize_any {
    ($($method:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.deserialize_any(Scalar(visitor))
        }
    )* };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Expanding<D> {
    type Error = D::Error;

    deserialize_any! {
        deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
    }

    deserialize! { Within:
        deserialize_any() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf() deserialize_option() deserialize_unit()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_seq() deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_map() deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_identifier() deserialize_ignored_any()
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Word(visitor))
    }
}

macro_rules! visit {
    ($($method:ident: $kind:ty),*) => { $(
        fn $method<E: Error>(self, value: $kind) -> Result<V::Value, E> {
            self.0.$method(value)
        }
    )* };
}

/// The methods that [`Within`] and [`Scalar`] pass on.
macro_rules! hand_on {
    () => {
        type Value = V::Value;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.expecting(f)
        }

        visit! { visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128, visit_f64: f64 }

        fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<V::Value, M::Error> {
            self.0.visit_map(Expanding(map))
        }

        fn visit_seq<S: SeqAccess<'de>>(self, list: S) -> Result<V::Value, S::Error> {
            self.0.visit_seq(Expanding(list))
        }
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Within<V> {
    hand_on!();

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        self.0.visit_str(text)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<V::Value, E> {
        self.0.visit_borrowed_str(text)
    }

    fn visit_string<E: Error>(self, text: String) -> Result<V::Value, E> {
        self.0.visit_string(text)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Expanding(inner))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Expanding(inner))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, word: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(word)
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Scalar<V> {
    hand_on!();

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        if !text.contains("${") {
            return self.0.visit_str(text);
        }
        let value = expand(text).map_err(E::custom)?;
        // The value is not shown: it may be a secret that was named by mistake.
        let expected = (&self.0 as &dyn Expected).to_string();
        scalar(self.0, &value).map_err(|_: E| {
            E::custom(format_args!(
                "the value of the environment variable is invalid: expected {expected}"
            ))
        })
    }
}

/// Reads a value as TOML would read it without quotes.
fn scalar<'de, V: Visitor<'de>, E: Error>(visitor: V, value: &str) -> Result<V::Value, E> {
    match (value, value.parse(), value.parse()) {
        ("true", ..) => visitor.visit_bool(true),
        ("false", ..) => visitor.visit_bool(false),
        (_, Ok(whole), _) => visitor.visit_i64(whole),
        (_, _, Ok(number)) => visitor.visit_f64(number),
        _ => visitor.visit_str(value),
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Word<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        let word = expand(text).map_err(E::custom)?;
        let word: StrDeserializer<'_, E> = word.as_str().into_deserializer();
        self.0.visit_enum(word)
    }
}

impl<'de, M: MapAccess<'de>> MapAccess<'de> for Expanding<M> {
    type Error = M::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, M::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, M::Error> {
        self.0.next_value_seed(Expanding(seed))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Expanding<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Expanding(seed))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Expanding<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Expanding(inner))
    }
}
