//! Writes values as JSON, byte for byte as serde_json does. Strings are copied in pieces,
//! where serde_json looks at one byte after another.

mod parts;

use self::parts::{List, Object};
use super::{Failed, scan};
use serde::ser::{Serialize, Serializer};
use std::fmt::{self, Display, Write as _};

/// Appends `value` to `out`. What goes wrong here is left to serde_json, which says why.
///
/// # Errors
/// serde_json's.
pub(crate) fn write(
    out: &mut Vec<u8>,
    value: &(impl Serialize + ?Sized),
) -> Result<(), serde_json::Error> {
    let start = out.len();
    value.serialize(Writer(&mut *out)).or_else(|Failed| {
        out.truncate(start);
        serde_json::to_writer(out, value)
    })
}

type Done = Result<(), Failed>;

/// The names by which serde_json's own types (`RawValue`, and `Number` with many digits)
/// ask its writer for more than JSON.
const PRIVATE: &str = "$serde_json::private::";

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    /// Numbers are serde_json's.
    fn number(self, value: impl Serialize) -> Done {
        serde_json::to_writer(self.0, &value).map_err(|_| Failed)
    }

    /// `{"variant":`
    fn variant(&mut self, variant: &str) {
        self.0.push(b'{');
        string(self.0, variant);
        self.0.push(b':');
    }
}

/// Appends a string with its quotes.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let start = out.len();
    if !scan::copy_plain(out, text.as_bytes()) {
        out.truncate(start);
        escaped(out, text);
    }
    out.push(b'"');
}

/// Appends what is between the quotes.
#[inline(never)]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut from = 0;
    loop {
        let at = scan::special(bytes, from);
        out.extend_from_slice(&bytes[from..at]);
        let Some(byte) = bytes.get(at) else { return };
        escape(out, *byte);
        from = at + 1;
    }
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        _ => {
            let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit)];
            out.extend_from_slice(b"\\u00");
            return out.extend_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

macro_rules! numbers {
    ($($method:ident: $type:ty)+) => {$(
        fn $method(self, value: $type) -> Done {
            self.number(value)
        }
    )+};
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    numbers! {
        serialize_i8: i8 serialize_i16: i16 serialize_i32: i32 serialize_i64: i64
        serialize_i128: i128 serialize_u8: u8 serialize_u16: u16 serialize_u32: u32
        serialize_u64: u64 serialize_u128: u128 serialize_f32: f32 serialize_f64: f64
    }

    fn serialize_bool(self, value: bool) -> Done {
        self.0
            .extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Done {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Done {
        string(self.0, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Done {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Done {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        self.variant(variant);
        value.serialize(Writer(&mut *self.0))?;
        self.0.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, Failed> {
        Ok(List::begin(self.0, b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<List<'a>, Failed> {
        Ok(List::begin(self.0, b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List<'a>, Failed> {
        Ok(List::begin(self.0, b"]"))
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List<'a>, Failed> {
        self.variant(variant);
        Ok(List::begin(self.0, b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, Failed> {
        Ok(Object::begin(self.0, b"}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Object<'a>, Failed> {
        match name.starts_with(PRIVATE) {
            true => Ok(Object::Raw(self.0)),
            false => Ok(Object::begin(self.0, b"}")),
        }
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'a>, Failed> {
        self.variant(variant);
        Ok(Object::begin(self.0, b"}}"))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Done {
        struct Text<'a>(&'a mut Vec<u8>);
        impl fmt::Write for Text<'_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                escaped(self.0, text);
                Ok(())
            }
        }
        self.0.push(b'"');
        write!(Text(&mut *self.0), "{value}").map_err(|_| Failed)?;
        self.0.push(b'"');
        Ok(())
    }
}
