//! Protobuf's wire format.

use crate::schema::fault::Fault;

/// The bytes that are left, and how many were before.
#[derive(Clone, Copy)]
pub(super) struct Wire<'a> {
    bytes: &'a [u8],
    pub at: usize,
    end: usize,
}

/// How a field's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Varint,
    Fixed64,
    Bytes,
    StartGroup,
    EndGroup,
    Fixed32,
}

impl Type {
    /// Its number in a tag.
    pub fn code(self) -> u64 {
        match self {
            Type::Varint => 0,
            Type::Fixed64 => 1,
            Type::Bytes => 2,
            Type::StartGroup => 3,
            Type::EndGroup => 4,
            Type::Fixed32 => 5,
        }
    }

    fn of(tag: u64) -> Option<Type> {
        Some(match tag & 7 {
            0 => Type::Varint,
            1 => Type::Fixed64,
            2 => Type::Bytes,
            3 => Type::StartGroup,
            4 => Type::EndGroup,
            5 => Type::Fixed32,
            _ => return None,
        })
    }
}

impl<'a> Wire<'a> {
    /// A part of these bytes.
    pub fn of(bytes: &'a [u8], start: usize, end: usize) -> Wire<'a> {
        Wire {
            bytes,
            at: start,
            end: end.min(bytes.len()),
        }
    }

    /// Whether none are left.
    pub fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let left = self.end - self.at;
        if count > left {
            return Err(short(count, left));
        }
        let taken = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    /// The next bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// A varint of 64 bits. More bits are ignored, as others do.
    pub fn varint(&mut self) -> Result<u64, Fault> {
        let bytes = &self.bytes[self.at..self.end];
        if let Some(&first) = bytes.first()
            && first < 0x80
        {
            self.at += 1;
            return Ok(first.into());
        }
        let mut number = 0_u64;
        for (index, &byte) in bytes.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7f).wrapping_shl(7 * index as u32);
            if byte < 0x80 {
                self.at += index + 1;
                return Ok(number);
            }
        }
        Err(match bytes.len() < 10 {
            true => short(bytes.len() + 1, bytes.len()),
            false => Fault::malformed("a number has more than ten bytes"),
        })
    }

    /// The number of the next field, and how its value is written.
    pub fn tag(&mut self) -> Result<(u32, Type), Fault> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok();
        let number = number.filter(|number| (1..1 << 29).contains(number));
        match (number, Type::of(tag)) {
            (Some(number), Some(kind)) => Ok((number, kind)),
            _ => Err(Fault::malformed(format!("a tag is {tag}"))),
        }
    }

    /// A length, and where the bytes of that length begin; skips them.
    pub fn span(&mut self) -> Result<(usize, usize), Fault> {
        let length = self.varint()?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let start = self.at;
        self.take(length)?;
        Ok((start, self.at))
    }

    /// Skips the value of a field. `groups` is how deep groups may still nest.
    pub fn skip(&mut self, number: u32, kind: Type, groups: u32) -> Result<(), Fault> {
        match kind {
            Type::Varint => self.varint().map(drop),
            Type::Fixed64 => self.take(8).map(drop),
            Type::Fixed32 => self.take(4).map(drop),
            Type::Bytes => self.span().map(drop),
            Type::StartGroup => self.skip_group(number, groups).map(drop),
            Type::EndGroup => Err(Fault::malformed("a group ends that did not begin")),
        }
    }

    /// Skips a group that has begun; returns where its fields end.
    pub fn skip_group(&mut self, number: u32, groups: u32) -> Result<usize, Fault> {
        let Some(groups) = groups.checked_sub(1) else {
            return Err(Fault::too_large("groups are nested too deep"));
        };
        loop {
            if self.is_empty() {
                return Err(Fault::malformed("a group does not end"));
            }
            let end = self.at;
            match self.tag()? {
                (ended, Type::EndGroup) if ended == number => return Ok(end),
                (number, kind) => self.skip(number, kind, groups)?,
            }
        }
    }
}

/// Appends a varint.
pub(super) fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cold]
fn short(wanted: usize, left: usize) -> Fault {
    Fault::malformed(format!("{wanted} bytes were expected, and {left} are left"))
}
