//! Finds the fields of a message: on the wire they may come in any order, in parts, and more than
//! once.

use super::number::wire_type;
use super::plan::{Field, Message, Shape};
use super::wire::{Type, Wire};
use crate::schema::fault::Fault;
use crate::schema::json::Json;

/// Where a value of a field is.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// The field's index in its message.
    pub field: u32,
    /// Where its bytes begin and end.
    start: u32,
    end: u32,
    /// Packed: several values, one after another.
    pub packed: bool,
}

impl Found {
    /// Where its bytes are.
    pub fn part(&self) -> (usize, usize) {
        (self.start as usize, self.end as usize)
    }
}

/// The fields of one message.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a, 'f> {
    pub message: &'a Message,
    /// All bytes.
    pub bytes: &'a [u8],
    /// Its values, sorted by field.
    pub found: &'f [Found],
}

impl<'a, 'f> Fields<'a, 'f> {
    /// The values of the field with this number.
    pub fn all(&self, number: u32) -> impl DoubleEndedIterator<Item = Found> + use<'a, 'f> {
        let index = self.message.field(number);
        let found = self.found.iter().copied();
        found.filter(move |found| Some(found.field as usize) == index)
    }

    /// The last value of the field with this number.
    pub fn last(&self, number: u32) -> Option<Found> {
        self.all(number).next_back()
    }

    /// The bytes of a value.
    pub fn bytes_of(&self, found: Found) -> &'a [u8] {
        let (start, end) = found.part();
        &self.bytes[start..end]
    }
}

/// Finds fields in these bytes.
pub(super) struct Finder<'a> {
    pub bytes: &'a [u8],
    /// How deep groups may nest.
    pub groups: u32,
}

impl Finder<'_> {
    /// Appends the values of a message's fields, sorted by field. Its bytes are in these parts.
    pub fn find(
        &self,
        message: &Message,
        parts: &[(usize, usize)],
        json: &mut Json<'_>,
        all: &mut Vec<Found>,
    ) -> Result<(), Fault> {
        let first = all.len();
        let mut is_sorted = true;
        let mut last = 0;
        // For each oneof: the field that counts, and the first of its values that do.
        json.steps(message.oneofs.into())?;
        let mut oneofs = vec![(u32::MAX, 0_usize); message.oneofs.into()];
        for (start, end) in parts {
            let mut wire = Wire::of(self.bytes, *start, *end);
            while !wire.is_empty() {
                json.step()?;
                let (number, kind) = wire.tag()?;
                let Some(index) = message.field(number) else {
                    wire.skip(number, kind, self.groups)?;
                    continue;
                };
                let field = &message.fields[index];
                let before = wire.at;
                let found = self.value(&mut wire, field, index, kind);
                let Some(found) = found.map_err(|fault| fault.inside(&field.name))? else {
                    continue;
                };
                if kind == Type::StartGroup {
                    // Its bytes are looked through again at each level of groups.
                    json.steps(((wire.at - before) / 16) as u64)?;
                }
                let counts = field
                    .oneof
                    .and_then(|oneof| oneofs.get_mut(usize::from(oneof)));
                if let Some(counts) = counts
                    && counts.0 != found.field
                {
                    *counts = (found.field, all.len());
                }
                is_sorted &= found.field >= last;
                last = found.field;
                all.push(found);
            }
        }
        if !oneofs.is_empty() {
            let mut kept = first;
            for index in first..all.len() {
                let found = all[index];
                let oneof = message.fields[found.field as usize].oneof;
                let counts = oneof.and_then(|oneof| oneofs.get(usize::from(oneof)));
                if counts.is_none_or(|(field, from)| *field == found.field && index >= *from) {
                    all[kept] = found;
                    kept += 1;
                }
            }
            all.truncate(kept);
        }
        if !is_sorted {
            all[first..].sort_by_key(|found| found.field);
        }
        Ok(())
    }

    /// Finds a value of a field; `None` where it is written as another type, which counts as an
    /// unknown field.
    fn value(
        &self,
        wire: &mut Wire<'_>,
        field: &Field,
        index: usize,
        kind: Type,
    ) -> Result<Option<Found>, Fault> {
        let start = wire.at;
        let (expected, packable) = wire_type(field.kind);
        let is_packed = kind == Type::Bytes && packable && matches!(field.shape, Shape::List);
        if kind != expected && !is_packed {
            wire.skip(field.number, kind, self.groups)?;
            return Ok(None);
        }
        let (start, end) = match kind {
            Type::Bytes => wire.span()?,
            Type::StartGroup => (start, wire.skip_group(field.number, self.groups)?),
            _ => {
                wire.skip(field.number, kind, self.groups)?;
                (start, wire.at)
            }
        };
        let found = Found {
            field: index as u32,
            start: start as u32,
            end: end as u32,
            packed: is_packed,
        };
        // No values in a pack are none of the field.
        Ok((!is_packed || start < end).then_some(found))
    }
}
