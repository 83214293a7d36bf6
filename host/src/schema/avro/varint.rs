//! What an Avro value's bytes are read with.

use crate::schema::fault::Fault;

/// The bytes that are left.
pub(super) struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let Some((taken, rest)) = self.0.split_at_checked(count) else {
            return Err(short(count, self.0.len()));
        };
        self.0 = rest;
        Ok(taken)
    }

    /// The next bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let Some((taken, rest)) = self.0.split_first_chunk() else {
            return Err(short(N, self.0.len()));
        };
        self.0 = rest;
        Ok(*taken)
    }

    /// A `long`: seven bits a byte, the lowest first, zigzag.
    pub fn long(&mut self) -> Result<i64, Fault> {
        let Some((&first, rest)) = self.0.split_first() else {
            return Err(short(1, 0));
        };
        if first < 0x80 {
            self.0 = rest;
            return Ok(zigzag(first.into()));
        }
        let mut number = 0_u64;
        for (at, &byte) in self.0.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                // The tenth byte has room for one bit.
                if at == 9 && byte > 1 {
                    break;
                }
                self.0 = &self.0[at + 1..];
                return Ok(zigzag(number));
            }
        }
        Err(match self.0.len() < 10 {
            true => short(self.0.len() + 1, self.0.len()),
            false => Fault::malformed("a number has more than 64 bits"),
        })
    }

    /// An `int`.
    pub fn int(&mut self) -> Result<i32, Fault> {
        let number = self.long()?;
        i32::try_from(number)
            .map_err(|_| Fault::malformed(format!("{number} is not a 32-bit number")))
    }

    /// `bytes` or a `string`.
    pub fn block(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.long()?;
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => Err(Fault::malformed(format!("a length is {length}"))),
        }
    }
}

fn zigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cold]
fn short(wanted: usize, left: usize) -> Fault {
    Fault::malformed(format!("{wanted} bytes were expected, and {left} are left"))
}
