//! The wire format of Confluent's serializers: which schema a value was written with.

use super::fault::Fault;
use std::borrow::Cow;
use std::fmt;
use uuid::Uuid;

/// What a registry calls a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SchemaId {
    /// By number.
    Number(u32),
    /// By a globally unique ID, as newer serializers write it into headers.
    Guid(Uuid),
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SchemaId::Number(number) => write!(f, "{number}"),
            SchemaId::Guid(guid) => write!(f, "{guid}"),
        }
    }
}

/// Which part of a record is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    Value,
}

impl Part {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Part::Key => "key",
            Part::Value => "value",
        }
    }

    /// The headers that tell plugins of the schema: the name of its type, its version, its ID.
    pub(super) fn told(self) -> [&'static [u8]; 3] {
        match self {
            Part::Key => [
                b"millstream.key-schema.name",
                b"millstream.key-schema.version",
                b"millstream.key-schema.id",
            ],
            Part::Value => [
                b"millstream.schema.name",
                b"millstream.schema.version",
                b"millstream.schema.id",
            ],
        }
    }

    /// The header in which newer serializers write the schema's ID.
    pub fn header(self) -> &'static [u8] {
        match self {
            Part::Key => b"__key_schema_id",
            Part::Value => b"__value_schema_id",
        }
    }
}

/// A value whose schema is known by its ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framed<'a> {
    /// The schema's ID.
    pub id: SchemaId,
    /// What follows the ID where it is: Protobuf's message index stands there.
    pub after_id: &'a [u8],
    /// The payload, where the ID is in a header; otherwise the payload follows the ID.
    pub payload: Option<&'a [u8]>,
}

impl<'a> Framed<'a> {
    /// A value whose schema is known without an ID.
    pub fn bare(value: &'a [u8]) -> Framed<'a> {
        Framed {
            id: SchemaId::Number(0),
            after_id: &[],
            payload: Some(value),
        }
    }

    /// Reads the ID in front of a value, or in the header that is there in its place.
    ///
    /// # Errors
    /// When there is none.
    pub fn of(value: &'a [u8], header: Option<&'a [u8]>) -> Result<Framed<'a>, Fault> {
        if let Some(header) = header {
            let (id, after_id) = id(header, "the header with the schema ID")?;
            let payload = Some(value);
            return Ok(Framed {
                id,
                after_id,
                payload,
            });
        }
        let (id, after_id) = match value.first() {
            Some(0) => id(value, "the value")?,
            Some(first) => {
                return Err(Fault::malformed(format!(
                    "missing schema ID: the value begins with byte {first}, a serializer for a schema registry writes 0"
                )));
            }
            None => return Err(Fault::malformed("missing schema ID: the value is empty")),
        };
        Ok(Framed {
            id,
            after_id,
            payload: None,
        })
    }

    /// The payload of a format that has nothing between ID and payload.
    pub fn plain(&self) -> &'a [u8] {
        self.payload.unwrap_or(self.after_id)
    }

    /// The index of a Protobuf message in its file, and the payload.
    ///
    /// # Errors
    /// When the index is missing or invalid.
    pub fn message(&self) -> Result<(Cow<'static, [usize]>, &'a [u8]), Fault> {
        let mut rest = self.after_id;
        let count = varint(&mut rest)?;
        // The first message of the file, which most topics have, is written as no index.
        let index = match count {
            0 => Cow::Borrowed(&[0][..]),
            1..=DEEPEST => {
                let numbers = (0..count).map(|_| varint(&mut rest));
                Cow::Owned(numbers.collect::<Result<_, _>>()?)
            }
            _ => {
                return Err(Fault::malformed(format!(
                    "a message index of {count} numbers"
                )));
            }
        };
        Ok((index, self.payload.unwrap_or(rest)))
    }
}

/// The index of a message in its file, as it is written.
pub fn message_index(place: &[usize]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut write = |number: usize| {
        let mut rest = (number as u64) << 1;
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
    };
    if place == [0] {
        write(0);
    } else {
        write(place.len());
        place.iter().copied().for_each(write);
    }
    bytes
}

/// The deepest nesting of messages in their file.
const DEEPEST: usize = 32;

fn id<'a>(bytes: &'a [u8], what: &str) -> Result<(SchemaId, &'a [u8]), Fault> {
    if let [0, a, b, c, d, rest @ ..] = bytes {
        return Ok((SchemaId::Number(u32::from_be_bytes([*a, *b, *c, *d])), rest));
    }
    if let [1, rest @ ..] = bytes
        && let Some((guid, rest)) = rest.split_first_chunk::<16>()
    {
        return Ok((SchemaId::Guid(Uuid::from_bytes(*guid)), rest));
    }
    let count = bytes.len();
    Err(Fault::malformed(format!(
        "missing schema ID: {what} has {count} bytes, which are not a schema ID"
    )))
}

/// A number as `org.apache.kafka.common.utils.ByteUtils.readVarint` has it: zigzag.
fn varint(bytes: &mut &[u8]) -> Result<usize, Fault> {
    let mut number = 0_u32;
    for at in 0..5 {
        let Some((&byte, rest)) = bytes.split_first() else {
            break;
        };
        *bytes = rest;
        number |= u32::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            let number = (number >> 1) as i32 ^ -((number & 1) as i32);
            let found = usize::try_from(number);
            return found.map_err(|_| Fault::malformed(format!("a message index of {number}")));
        }
    }
    Err(Fault::malformed("the message index is cut off"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_index_reads_back() {
        for place in [&[0][..], &[1], &[0, 0], &[300, 0, 20_000], &[63, 64]] {
            let bytes = message_index(place);
            let framed = [&[0, 0, 0, 0, 9][..], &bytes, b"rest"].concat();
            let framed = Framed::of(&framed, None).unwrap();
            let (read, rest) = framed.message().unwrap();
            assert_eq!((&*read, rest), (place, &b"rest"[..]));
        }
        assert_eq!(message_index(&[0]), [0]);
    }

    #[test]
    fn the_id_is_in_front_or_in_a_header() {
        let framed = Framed::of(&[0, 0, 0, 1, 2, 7, 8], None).unwrap();
        assert_eq!(framed.id, SchemaId::Number(258));
        assert_eq!(framed.plain(), [7, 8]);
        let header = [&[1][..], &[9; 16]].concat();
        let framed = Framed::of(b"payload", Some(&header)).unwrap();
        assert_eq!(framed.id, SchemaId::Guid(Uuid::from_bytes([9; 16])));
        assert_eq!(framed.plain(), b"payload");
        let framed = Framed::of(b"", Some(&[0, 0, 0, 0, 5])).unwrap();
        assert_eq!((framed.id, framed.plain()), (SchemaId::Number(5), &b""[..]));
        for (value, header) in [
            (&b"{}"[..], None),
            (b"", None),
            (&[0, 0, 0, 1], None),
            (b"payload", Some(&[0, 0, 0][..])),
            (b"payload", Some(&[1, 0, 0, 0, 0])),
            (b"payload", Some(b"")),
        ] {
            let fault = Framed::of(value, header).unwrap_err().to_string();
            assert!(fault.starts_with("missing schema ID: "), "{fault}");
        }
    }

    #[test]
    fn a_message_index_is_in_front_of_the_payload_or_in_the_header() {
        let message = |after: &[u8]| {
            let value = [&[0, 0, 0, 0, 1], after].concat();
            let framed = Framed::of(&value, None).unwrap();
            framed
                .message()
                .map(|(index, payload)| (index.into_owned(), payload.to_vec()))
        };
        assert_eq!(message(&[0, 7]).unwrap(), (vec![0], vec![7]));
        assert_eq!(message(&[4, 2, 0, 7]).unwrap(), (vec![1, 0], vec![7]));
        for bad in [
            &[][..],
            &[2],
            &[2, 0x80],
            &[1],
            &[0x80, 1, 0],
            &[2, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(message(bad).is_err(), "{bad:?}");
        }
        let framed = Framed::of(b"payload", Some(&[0, 0, 0, 0, 1, 2, 6])).unwrap();
        assert_eq!(framed.message().unwrap(), (vec![3].into(), &b"payload"[..]));
    }
}
