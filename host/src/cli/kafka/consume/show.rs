//! Prints records.

use crate::cli::bytes::{for_stdout, steers};
use crate::cli::kafka::wire;
use crate::cli::time;
use crate::record::OwnedRecord;
use std::io::{self, IsTerminal, Write};

/// The format of printed records.
pub(super) enum Show {
    Text {
        /// Between key and value; `None` omits the key.
        key_delimiter: Option<String>,
        /// Escapes bytes that would control a terminal, for example as `\x1b`.
        tame: bool,
    },
    Json,
    Hex,
}

impl Show {
    pub fn text(key_delimiter: Option<String>) -> Show {
        let tame = io::stdout().is_terminal();
        Show::Text {
            key_delimiter,
            tame,
        }
    }

    pub fn write(&self, out: &mut impl Write, record: &OwnedRecord) -> io::Result<()> {
        match self {
            Show::Text {
                key_delimiter,
                tame,
            } => {
                if let Some(delimiter) = key_delimiter {
                    bytes(out, record.key.as_deref(), *tame)?;
                    out.write_all(delimiter.as_bytes())?;
                }
                bytes(out, record.value.as_deref(), *tame)?;
                out.write_all(b"\n")
            }
            Show::Json => writeln!(out, "{}", for_stdout(wire::to_json(record))),
            Show::Hex => hex(out, record),
        }
    }
}

/// An absent value is printed as nothing.
fn bytes(out: &mut impl Write, bytes: Option<&[u8]>, tame: bool) -> io::Result<()> {
    let bytes = bytes.unwrap_or_default();
    if !tame {
        return out.write_all(bytes);
    }
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match (c.is_control() || steers(c)) && c != '\t' && c != '\n' {
                true => write!(out, "{}", c.escape_default())?,
                false => write!(out, "{c}")?,
            }
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

fn hex(out: &mut impl Write, record: &OwnedRecord) -> io::Result<()> {
    let when = time::long(record.timestamp);
    writeln!(out, "{}, offset {}, {when}", record.origin, record.offset)?;
    part(out, "key", record.key.as_deref())?;
    for (name, value) in &record.headers {
        part(out, "header name", Some(name))?;
        part(out, "header value", value.as_deref())?;
    }
    part(out, "value", record.value.as_deref())?;
    writeln!(out)
}

/// The format of `hexdump -C`.
fn part(out: &mut impl Write, what: &str, bytes: Option<&[u8]>) -> io::Result<()> {
    let Some(bytes) = bytes else {
        return writeln!(out, "{what}: absent");
    };
    let s = if bytes.len() == 1 { "" } else { "s" };
    writeln!(out, "{what}: {} byte{s}", bytes.len())?;
    for (index, line) in bytes.chunks(16).enumerate() {
        write!(out, "  {:08x} ", index * 16)?;
        for at in 0..16 {
            let gap = if at == 8 { " " } else { "" };
            match line.get(at) {
                Some(byte) => write!(out, "{gap} {byte:02x}")?,
                None => write!(out, "{gap}   ")?,
            }
        }
        let shown = |byte: &u8| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        };
        let text: String = line.iter().map(shown).collect();
        writeln!(out, "  |{text}|")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TopicPartition;

    fn record(key: Option<&[u8]>, value: Option<&[u8]>) -> OwnedRecord {
        OwnedRecord {
            origin: TopicPartition {
                topic: "orders".into(),
                partition: 0,
            },
            offset: 41,
            timestamp: 1000,
            key: key.map(Into::into),
            value: value.map(Into::into),
            headers: vec![(b"a".into(), None)],
        }
    }

    fn shown(show: &Show, record: &OwnedRecord) -> String {
        let mut out = Vec::new();
        show.write(&mut out, record).expect("a Vec takes all");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn text_does_not_control_a_terminal() {
        let record = record(None, Some(b"\x1b[31m\xffred\t\r\xe2\x80\xae"));
        let tame = Show::Text {
            key_delimiter: None,
            tame: true,
        };
        assert_eq!(shown(&tame, &record), "\\u{1b}[31m\\xffred\t\\r\\u{202e}\n");
    }

    #[test]
    fn hex_shows_every_byte_and_absent_parts() {
        let expected = "\
orders/0, offset 41, 1970-01-01T00:00:01.000Z
key: absent
header name: 1 byte
  00000000  61                                                |a|
header value: absent
value: 18 bytes
  00000000  30 31 32 33 34 35 36 37  38 39 30 31 32 33 34 35  |0123456789012345|
  00000010  00 ff                                             |..|

";
        let record = record(None, Some(b"0123456789012345\x00\xff"));
        assert_eq!(shown(&Show::Hex, &record), expected);
    }
}
