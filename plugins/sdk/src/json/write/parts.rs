//! Lists and objects, written part by part.

use super::{Done, Failed, Writer, string};
use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// A list that was begun.
pub(super) struct List<'a> {
    out: &'a mut Vec<u8>,
    end: &'static [u8],
    first: bool,
}

impl<'a> List<'a> {
    pub fn begin(out: &'a mut Vec<u8>, end: &'static [u8]) -> List<'a> {
        out.push(b'[');
        let first = true;
        List { out, end, first }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        value.serialize(Writer(&mut *self.out))
    }

    fn finish(self) -> Done {
        self.out.extend_from_slice(self.end);
        Ok(())
    }
}

/// An object that was begun.
pub(super) enum Object<'a> {
    Fields {
        out: &'a mut Vec<u8>,
        end: &'static [u8],
        first: bool,
    },
    /// A type of serde_json's: its one field is JSON already.
    Raw(&'a mut Vec<u8>),
}

impl<'a> Object<'a> {
    pub fn begin(out: &'a mut Vec<u8>, end: &'static [u8]) -> Object<'a> {
        out.push(b'{');
        let first = true;
        Object::Fields { out, end, first }
    }

    /// Where the next key goes.
    #[inline]
    fn next(&mut self) -> Result<&mut Vec<u8>, Failed> {
        let Object::Fields { out, first, .. } = self else {
            return Err(Failed);
        };
        if !std::mem::take(first) {
            out.push(b',');
        }
        Ok(out)
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Done {
        if let Object::Raw(out) = self {
            return value.serialize(Text { out, quoted: false });
        }
        let out = self.next()?;
        string(out, key);
        out.push(b':');
        value.serialize(Writer(out))
    }

    fn finish(self) -> Done {
        if let Object::Fields { out, end, .. } = self {
            out.extend_from_slice(end);
        }
        Ok(())
    }
}

impl SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        let out = self.next()?;
        key.serialize(Text { out, quoted: true })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        let Object::Fields { out, .. } = self else {
            return Err(Failed);
        };
        out.push(b':');
        value.serialize(Writer(out))
    }

    fn end(self) -> Done {
        self.finish()
    }
}

macro_rules! elements {
    ($($trait:ident::$method:ident)+) => {$(
        impl $trait for List<'_> {
            type Ok = ();
            type Error = Failed;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.element(value)
            }

            fn end(self) -> Done {
                self.finish()
            }
        }
    )+};
}

elements! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

macro_rules! fields {
    ($($trait:ident)+) => {$(
        impl $trait for Object<'_> {
            type Ok = ();
            type Error = Failed;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Done {
                self.field(key, value)
            }

            fn end(self) -> Done {
                self.finish()
            }
        }
    )+};
}

fields!(SerializeStruct SerializeStructVariant);

/// Text: a key with its quotes, or JSON as it is. Other keys are left to serde_json.
struct Text<'a> {
    out: &'a mut Vec<u8>,
    quoted: bool,
}

macro_rules! numbers {
    ($($method:ident: $type:ty)+) => {$(
        fn $method(self, value: $type) -> Done {
            self.number(value)
        }
    )+};
}

macro_rules! others {
    ($($method:ident($($type:ty),*) -> $result:ty;)+) => {$(
        fn $method(self, $(_: $type),*) -> Result<$result, Failed> {
            Err(Failed)
        }
    )+};
}

impl Text<'_> {
    fn number(self, value: impl Serialize) -> Done {
        if !self.quoted {
            return Err(Failed);
        }
        self.out.push(b'"');
        Writer(&mut *self.out).number(value)?;
        self.out.push(b'"');
        Ok(())
    }
}

impl Serializer for Text<'_> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Impossible<(), Failed>;
    type SerializeTuple = Impossible<(), Failed>;
    type SerializeTupleStruct = Impossible<(), Failed>;
    type SerializeTupleVariant = Impossible<(), Failed>;
    type SerializeMap = Impossible<(), Failed>;
    type SerializeStruct = Impossible<(), Failed>;
    type SerializeStructVariant = Impossible<(), Failed>;

    fn serialize_str(self, text: &str) -> Done {
        match self.quoted {
            true => string(self.out, text),
            false => self.out.extend_from_slice(text.as_bytes()),
        }
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, key: &T) -> Done {
        key.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Done {
        Err(Failed)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Done {
        Err(Failed)
    }

    numbers! {
        serialize_i8: i8 serialize_i16: i16 serialize_i32: i32 serialize_i64: i64
        serialize_u8: u8 serialize_u16: u16 serialize_u32: u32 serialize_u64: u64
    }

    others! {
        serialize_bool(bool) -> ();
        serialize_char(char) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeStructVariant;
    }
}
