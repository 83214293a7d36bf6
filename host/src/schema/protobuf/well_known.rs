//! Google's messages whose JSON is not that of their fields.

use super::found::{Fields, Found};
use super::number::Number;
use super::plan::{Field, Id, Kind, Plan, WellKnown};
use super::wire::Wire;
use crate::schema::fault::Fault;
use crate::schema::time;

/// The seconds of the years 1 to 9999.
pub(super) const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// The seconds of 10,000 years.
const LONGEST: i64 = 315_576_000_000;
const NANOS: i64 = 1_000_000_000;

/// What is written for a message.
pub(super) enum Form<'a> {
    /// This JSON.
    Json(&'static [u8]),
    /// A string of this text.
    Text(Vec<u8>),
    /// What these last values of a field come to, so many.
    Values(&'a Field, usize),
    /// The default value of a type.
    Default(Kind),
    /// A message with its type.
    Any(AnyOf<'a>),
}

/// A message in an `Any`.
pub(super) struct AnyOf<'a> {
    /// The address of its type.
    pub url: &'a [u8],
    /// Its type, if the schema has it.
    pub id: Option<Id>,
    /// Where its bytes are.
    pub part: (usize, usize),
}

/// What is written for a message of this kind.
pub(super) fn form<'a>(
    kind: WellKnown,
    fields: Fields<'a, '_>,
    plan: &Plan,
) -> Result<Form<'a>, Fault> {
    let only = fields.message.fields.first();
    Ok(match kind {
        WellKnown::Empty => Form::Json(b"{}"),
        WellKnown::Timestamp => {
            let (seconds, nanos) = seconds_and_nanos(fields)?;
            if !SECONDS.contains(&seconds) || !(0..NANOS).contains(&nanos) {
                return Err(Fault::malformed(format!(
                    "a timestamp is not of the years 1 to 9999: {seconds} s and {nanos} ns"
                )));
            }
            Form::Text(time::instant(seconds, nanos as u32).as_bytes().into())
        }
        WellKnown::Duration => {
            let (seconds, nanos) = seconds_and_nanos(fields)?;
            let fits = (-LONGEST..=LONGEST).contains(&seconds) && nanos.abs() < NANOS;
            if !fits || seconds.signum() * nanos.signum() < 0 {
                return Err(Fault::malformed(format!(
                    "a duration is not valid: {seconds} s and {nanos} ns"
                )));
            }
            Form::Text(time::span(seconds, nanos).as_bytes().into())
        }
        WellKnown::FieldMask => Form::Text(field_mask(fields)),
        WellKnown::Wrapper => match (only, fields.found.len()) {
            (Some(field), 0) => Form::Default(field.kind),
            (Some(field), _) => Form::Values(field, 1),
            (None, _) => Form::Json(b"null"),
        },
        WellKnown::Struct | WellKnown::ListValue => match (only, fields.found.len()) {
            (Some(field), count @ 1..) => Form::Values(field, count),
            _ if kind == WellKnown::Struct => Form::Json(b"{}"),
            _ => Form::Json(b"[]"),
        },
        // The kind that is set; null if none is.
        WellKnown::Value => match fields.found.last() {
            Some(found) => Form::Values(&fields.message.fields[found.field as usize], 1),
            None => Form::Json(b"null"),
        },
        WellKnown::Any => any(fields, plan),
    })
}

fn any<'a>(fields: Fields<'a, '_>, plan: &Plan) -> Form<'a> {
    let url = fields
        .last(1)
        .map_or(&b""[..], |found| fields.bytes_of(found));
    let value = fields.last(2);
    if url.is_empty() && value.is_none() {
        return Form::Json(b"{}");
    }
    let name = url.rsplit(|byte| *byte == b'/').next();
    let name = name.and_then(|name| std::str::from_utf8(name).ok());
    Form::Any(AnyOf {
        url,
        id: name.and_then(|name| plan.any(name)),
        part: value.as_ref().map_or((0, 0), Found::part),
    })
}

fn seconds_and_nanos(fields: Fields<'_, '_>) -> Result<(i64, i64), Fault> {
    let number = |number: u32, kind: Kind| {
        let Some(found) = fields.last(number) else {
            return Ok(0);
        };
        let bytes = fields.bytes_of(found);
        match Number::read(kind, &mut Wire::of(bytes, 0, bytes.len()))? {
            Number::Signed(number) => Ok(number),
            _ => Ok(0),
        }
    };
    Ok((number(1, Kind::Int64)?, number(2, Kind::Int32)?))
}

/// `user.displayName,photo`
fn field_mask(fields: Fields<'_, '_>) -> Vec<u8> {
    let mut text = Vec::new();
    for path in fields.all(1) {
        if !text.is_empty() {
            text.push(b',');
        }
        let mut upper = false;
        for &byte in fields.bytes_of(path) {
            match byte {
                b'_' => upper = true,
                byte if upper => {
                    text.push(byte.to_ascii_uppercase());
                    upper = false;
                }
                byte => text.push(byte),
            }
        }
    }
    text
}
