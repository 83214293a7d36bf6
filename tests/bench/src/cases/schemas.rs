//! Decoding values by their schemas: records of about 300 bytes of JSON.

use super::Case;
use anyhow::Result;
use millstream::schema::{Format, Framed, Limits, Schema, Source, Table};
use std::path::Path;

const AVRO: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
  {"name":"order_id","type":"string"},{"name":"customer","type":"string"},
  {"name":"status","type":{"type":"enum","name":"Status","symbols":["NEW","PAID","SENT"]}},
  {"name":"note","type":["null","string"]},{"name":"total","type":"double"},
  {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"quantity","type":"int"},
  {"name":"tags","type":{"type":"array","items":"string"}},
  {"name":"address","type":{"type":"record","name":"Address","fields":[
    {"name":"street","type":"string"},{"name":"city","type":"string"},{"name":"zip","type":"string"}]}},
  {"name":"attributes","type":{"type":"map","values":"string"}}]}"#;

const PROTOBUF: &str = r#"syntax = "proto3"; package shop;
  import "google/protobuf/timestamp.proto";
  enum Status { NEW = 0; PAID = 1; SENT = 2; }
  message Address { string street = 1; string city = 2; string zip = 3; }
  message Order { string order_id = 1; string customer = 2; Status status = 3; string note = 4; double total = 5;
    google.protobuf.Timestamp at = 6; int32 quantity = 7; repeated string tags = 8; Address address = 9;
    map<string, string> attributes = 10; }"#;

const ID: &str = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
const CUSTOMER: &str = "customer-000123";
const NOTE: &str = "please ring twice, the bell is broken";
const TAGS: [&str; 3] = ["express", "gift", "fragile"];
const ADDRESS: [&str; 3] = ["Long Street 12345", "Springfield", "01234"];
const ATTRIBUTES: [(&str, &str); 2] = [("source", "web"), ("campaign", "november-2026")];
const TOTAL: f64 = 129.95;
const AT: u64 = 1_795_843_200;

/// How many values one run decodes.
const VALUES: usize = 256;

/// Both formats.
///
/// # Errors
/// If a schema can't be parsed.
pub fn all(program: &Path) -> Result<[Case; 2]> {
    let of = |name, format, schema: &str, value: Vec<u8>| {
        let schema = Schema::parse(&Source::new(format, schema), program)?;
        let limits = Limits {
            bytes: 1 << 20,
            depth: Limits::DEPTH,
        };
        let mut out = Vec::with_capacity(VALUES * 512);
        anyhow::Ok(Case::new(name, VALUES, move || {
            out.clear();
            for _ in 0..VALUES {
                let framed = Framed::of(&value, None);
                let decoded = framed
                    .and_then(|framed| schema.decode(&framed, Table::default(), limits, &mut out));
                assert!(decoded.is_ok(), "{decoded:?}");
            }
        }))
    };
    Ok([
        of("schemas/avro", Format::Avro, AVRO, avro())?,
        of("schemas/protobuf", Format::Protobuf, PROTOBUF, protobuf())?,
    ])
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn avro() -> Vec<u8> {
    let mut out = vec![0, 0, 0, 0, 1];
    let text = |text: &str, out: &mut Vec<u8>| {
        varint(2 * text.len() as u64, out);
        out.extend_from_slice(text.as_bytes());
    };
    text(ID, &mut out);
    text(CUSTOMER, &mut out);
    varint(2, &mut out);
    varint(2, &mut out);
    text(NOTE, &mut out);
    out.extend(TOTAL.to_le_bytes());
    varint(2 * AT * 1000, &mut out);
    varint(2 * 3, &mut out);
    varint(2 * TAGS.len() as u64, &mut out);
    TAGS.iter().for_each(|tag| text(tag, &mut out));
    out.push(0);
    ADDRESS.iter().for_each(|part| text(part, &mut out));
    varint(2 * ATTRIBUTES.len() as u64, &mut out);
    for (key, value) in ATTRIBUTES {
        text(key, &mut out);
        text(value, &mut out);
    }
    out.push(0);
    out
}

fn protobuf() -> Vec<u8> {
    let part = |number: u64, bytes: &[u8], out: &mut Vec<u8>| {
        varint(number << 3 | 2, out);
        varint(bytes.len() as u64, out);
        out.extend_from_slice(bytes);
    };
    // The second message of its file.
    let mut out = vec![0, 0, 0, 0, 1, 2, 2];
    part(1, ID.as_bytes(), &mut out);
    part(2, CUSTOMER.as_bytes(), &mut out);
    out.extend([3 << 3, 1]);
    part(4, NOTE.as_bytes(), &mut out);
    out.push(5 << 3 | 1);
    out.extend(TOTAL.to_le_bytes());
    let mut at = vec![1 << 3];
    varint(AT, &mut at);
    part(6, &at, &mut out);
    out.extend([7 << 3, 3]);
    TAGS.iter()
        .for_each(|tag| part(8, tag.as_bytes(), &mut out));
    let mut address = Vec::new();
    for (number, text) in (1..).zip(ADDRESS) {
        part(number, text.as_bytes(), &mut address);
    }
    part(9, &address, &mut out);
    for (key, value) in ATTRIBUTES {
        let mut entry = Vec::new();
        part(1, key.as_bytes(), &mut entry);
        part(2, value.as_bytes(), &mut entry);
        part(10, &entry, &mut out);
    }
    out
}
