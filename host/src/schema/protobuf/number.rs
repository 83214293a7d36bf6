//! Numbers of the wire, by the type of their field.

use super::plan::Kind;
use super::wire::{Type, Wire, write_varint};
use crate::schema::fault::Fault;

/// A number of the wire.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f32),
    Double(f64),
}

impl Number {
    pub fn read(kind: Kind, wire: &mut Wire<'_>) -> Result<Number, Fault> {
        Ok(match kind {
            Kind::Double => Number::Double(f64::from_le_bytes(wire.array()?)),
            Kind::Float => Number::Float(f32::from_le_bytes(wire.array()?)),
            Kind::Int32 | Kind::Enum(_) => Number::Signed((wire.varint()? as i32).into()),
            Kind::Int64 => Number::Signed(wire.varint()? as i64),
            Kind::Uint32 => Number::Unsigned((wire.varint()? as u32).into()),
            Kind::Uint64 => Number::Unsigned(wire.varint()?),
            Kind::Sint32 => Number::Signed(zigzag((wire.varint()? as u32).into())),
            Kind::Sint64 => Number::Signed(zigzag(wire.varint()?)),
            Kind::Fixed32 => Number::Unsigned(u32::from_le_bytes(wire.array()?).into()),
            Kind::Fixed64 => Number::Unsigned(u64::from_le_bytes(wire.array()?)),
            Kind::Sfixed32 => Number::Signed(i32::from_le_bytes(wire.array()?).into()),
            Kind::Sfixed64 => Number::Signed(i64::from_le_bytes(wire.array()?)),
            Kind::Bool => Number::Bool(wire.varint()? != 0),
            Kind::String | Kind::Bytes | Kind::Message(_) | Kind::Group(_) => {
                return Err(Fault::malformed("a number was expected"));
            }
        })
    }

    /// Appends it as a value of this type.
    pub fn write(self, kind: Kind, out: &mut Vec<u8>) {
        let (wire, _) = wire_type(kind);
        let bits = match self {
            Number::Bool(value) => value.into(),
            Number::Signed(number) if matches!(kind, Kind::Sint32 | Kind::Sint64) => {
                ((number << 1) ^ (number >> 63)).cast_unsigned()
            }
            Number::Signed(number) => number.cast_unsigned(),
            Number::Unsigned(number) => number,
            Number::Float(number) => number.to_bits().into(),
            Number::Double(number) => number.to_bits(),
        };
        match wire {
            Type::Fixed32 => out.extend_from_slice(&(bits as u32).to_le_bytes()),
            Type::Fixed64 => out.extend_from_slice(&bits.to_le_bytes()),
            _ => write_varint(bits, out),
        }
    }

    /// Whether all its bits are zero: -0.0 is not the default.
    pub fn is_zero(self) -> bool {
        match self {
            Number::Bool(value) => !value,
            Number::Signed(number) => number == 0,
            Number::Unsigned(number) => number == 0,
            Number::Float(number) => number.to_bits() == 0,
            Number::Double(number) => number.to_bits() == 0,
        }
    }
}

fn zigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Whether JSON has it as a string, since its numbers have 53 bits.
pub(super) fn is_long(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64
    )
}

/// How a type is written, and whether several values may be packed.
pub(super) fn wire_type(kind: Kind) -> (Type, bool) {
    match kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => (Type::Fixed64, true),
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => (Type::Fixed32, true),
        Kind::String | Kind::Bytes | Kind::Message(_) => (Type::Bytes, false),
        Kind::Group(_) => (Type::StartGroup, false),
        _ => (Type::Varint, true),
    }
}
