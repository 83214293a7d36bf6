//! Decodes the keys and values of a batch by their schemas, before its plugins see them.

use super::settings::{DecodeBy, DecodeSettings};
use crate::process::THIS_PROGRAM;
use crate::record::{Batch, Class, Failure, KafkaRecord, RecordView, Span, Stage};
use crate::schema::{
    Fault, FaultKind, Found, Framed, Known, Limits, Part, Registry, Schema, SchemaId, Table,
};
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// How much larger than the largest record a decoded one may be.
const GROWTH: usize = 4;

/// Decodes the records of one pipeline.
#[derive(Clone)]
pub(super) struct Decoder {
    key: Option<By>,
    value: Option<By>,
    table: Table,
    /// The largest record, and the most bytes of a decoded batch before its last record.
    record_bytes: usize,
    batch_bytes: usize,
}

#[derive(Clone)]
enum By {
    Registry(Registry),
    Schema(Arc<Schema>),
}

/// A batch whose records are decoded up to some index.
#[derive(Debug)]
pub(super) struct Decoded {
    /// The decoded records, at the same indices. Records before `from` are empty.
    pub batch: Batch,
    /// The index of the first record that was decoded with it.
    from: usize,
    /// Why records can't be decoded, by index; they are empty.
    pub refused: BTreeMap<usize, Failure>,
}

impl Decoded {
    /// Whether the record at this index was decoded with it.
    pub fn has(&self, index: usize) -> bool {
        (self.from..self.batch.records.len()).contains(&index)
    }
}

/// What decoding came to.
pub(super) enum Outcome {
    /// At least one record is decoded or refused.
    Decoded(Decoded),
    /// The first record waits for its schema. If the registry was asked in vain: why.
    Waits(Option<String>),
}

/// Why a part of a record is not decoded.
enum Undone {
    Failed(Class, String),
    Waits(Option<String>),
}

impl Undone {
    /// A part can't be decoded by the schema with this ID.
    fn of(part: Part, id: Option<SchemaId>, fault: &Fault) -> Undone {
        let class = match fault.kind() {
            FaultKind::Malformed => Class::Malformed,
            FaultKind::TooLarge => Class::TooLarge,
        };
        let part = part.name();
        let message = match id {
            Some(id) => format!("the {part}, by schema {id}: {fault}"),
            None => format!("the {part}: {fault}"),
        };
        Undone::Failed(class, message)
    }
}

impl Decoder {
    /// Reads schema files; `None` if nothing is to be decoded.
    ///
    /// # Errors
    /// Names the schema that can't be used.
    pub fn new(
        settings: &DecodeSettings,
        registry: Option<&Registry>,
        (record_bytes, batch_bytes): (usize, usize),
    ) -> anyhow::Result<Option<Decoder>> {
        let by = |by: &Option<DecodeBy>| match by {
            None => Ok(None),
            Some(DecodeBy::Registry) => {
                let registry = registry.context("missing [registry] table with its url")?;
                Ok(Some(By::Registry(registry.clone())))
            }
            Some(DecodeBy::File(file)) => anyhow::Ok(Some(By::Schema(Arc::new(Schema::read(
                file,
                Path::new(THIS_PROGRAM),
            )?)))),
        };
        let (key, value) = (by(&settings.key)?, by(&settings.value)?);
        let decoder = Decoder {
            table: settings.table,
            record_bytes,
            batch_bytes,
            key,
            value,
        };
        let decodes = decoder.key.is_some() || decoder.value.is_some();
        Ok(decodes.then_some(decoder))
    }

    /// Decodes records from this index on, until one waits for its schema or the decoded batch is
    /// full.
    pub fn decode(&self, batch: &Batch, from: usize) -> Outcome {
        self.ask_ahead(batch, from);
        let mut decoded = Decoded {
            batch: Batch::new(batch.origin.clone()),
            from,
            refused: BTreeMap::new(),
        };
        decoded.batch.clock = batch.clock;
        let before = batch.records[..from].iter();
        decoded.batch.records.extend(before.map(empty));
        let subject = |part: Part| format!("{}-{}", batch.origin.topic, part.name());
        let subjects = [subject(Part::Key), subject(Part::Value)];
        for index in from..batch.records.len() {
            if decoded.batch.arena.len() >= self.batch_bytes {
                break;
            }
            let (bytes, headers) = (decoded.batch.arena.len(), decoded.batch.headers.len());
            match self.record(batch.view(index), &subjects, &mut decoded.batch) {
                Ok(record) => decoded.batch.records.push(record),
                Err(Undone::Waits(why)) if index == from => return Outcome::Waits(why),
                Err(Undone::Waits(_)) => break,
                Err(Undone::Failed(class, message)) => {
                    decoded.batch.arena.truncate(bytes);
                    decoded.batch.headers.truncate(headers);
                    decoded.batch.records.push(empty(&batch.records[index]));
                    let failure = Failure::new(index as u32, Stage::Ingest, class, message);
                    decoded.refused.insert(index, failure);
                }
            }
        }
        Outcome::Decoded(decoded)
    }

    /// Asks for all schemas of a batch that are not known, so that the registry is waited for once.
    fn ask_ahead(&self, batch: &Batch, from: usize) {
        let mut last = [None; 2];
        for index in from..batch.records.len() {
            let record = batch.view(index);
            let parts = [
                (Part::Key, &self.key, record.key()),
                (Part::Value, &self.value, record.value()),
            ];
            for ((part, by, bytes), last) in parts.into_iter().zip(&mut last) {
                let (Some(By::Registry(registry)), Some(bytes)) = (by, bytes) else {
                    continue;
                };
                if let Ok(framed) = Framed::of(bytes, header(record, part))
                    && *last != Some(framed.id)
                {
                    *last = Some(framed.id);
                    registry.find(framed.id);
                }
            }
        }
    }

    /// Adds a record's bytes, decoded, to the arena of `out`.
    fn record(
        &self,
        record: RecordView<'_>,
        subjects: &[String; 2],
        out: &mut Batch,
    ) -> Result<KafkaRecord, Undone> {
        let size = record.size();
        if size > self.record_bytes {
            return Err(too_large(size, self.record_bytes));
        }
        let first_header = out.headers.len() as u32;
        for (name, value) in record.headers() {
            out.push_header(name, value);
        }
        let key = self.part(Part::Key, &self.key, record, &subjects[0], out)?;
        let value = self.part(Part::Value, &self.value, record, &subjects[1], out)?;
        Ok(KafkaRecord {
            key,
            value,
            first_header,
            header_count: out.headers.len() as u32 - first_header,
            ..*record.record
        })
    }

    fn part(
        &self,
        part: Part,
        by: &Option<By>,
        record: RecordView<'_>,
        subject: &str,
        out: &mut Batch,
    ) -> Result<Span, Undone> {
        let bytes = match part {
            Part::Key => record.key(),
            Part::Value => record.value(),
        };
        let (Some(by), Some(bytes)) = (by, bytes) else {
            return Ok(Span::push_option(&mut out.arena, bytes));
        };
        let limits = Limits {
            bytes: self.record_bytes * GROWTH,
            depth: Limits::DEPTH,
        };
        let start = out.arena.len();
        match by {
            By::Schema(schema) => {
                let framed = Framed::bare(bytes);
                let decoded = schema.decode(&framed, self.table, limits, &mut out.arena);
                decoded.map_err(|fault| Undone::of(part, None, &fault))?;
            }
            By::Registry(registry) => {
                let framed = Framed::of(bytes, header(record, part));
                let framed = framed.map_err(|fault| Undone::of(part, None, &fault))?;
                let known = find(registry, framed.id)?;
                let schema = &known.schema;
                let name = schema.decode(&framed, self.table, limits, &mut out.arena);
                let name = name.map_err(|fault| Undone::of(part, Some(framed.id), &fault))?;
                let span = done(part, out, start);
                for (header, text) in known.headers(part, name, subject) {
                    out.push_header(header, Some(text));
                }
                return Ok(span);
            }
        }
        Ok(done(part, out, start))
    }
}

/// The span of what was decoded, from `start` on. A key that is text is handed over without the
/// quotes of JSON, so that it can be a client ID.
fn done(part: Part, out: &mut Batch, start: usize) -> Span {
    let bytes = &out.arena[start..];
    if part == Part::Key
        && bytes.first() == Some(&b'"')
        && let Ok(text) = serde_json::from_slice::<String>(bytes)
    {
        return Span::push(&mut out.arena, text.as_bytes());
    }
    Span {
        start: start as u32,
        length: (out.arena.len() - start) as u32,
    }
}

fn find(registry: &Registry, id: SchemaId) -> Result<Arc<Known>, Undone> {
    match registry.find(id) {
        Found::Schema(known) => Ok(known),
        Found::None(why) => Err(Undone::Failed(Class::Malformed, why.to_string())),
        Found::NotYet(why) => {
            let address = registry.address();
            Err(Undone::Waits(why.map(|why| {
                format!("the schema registry {address} does not give the schema {id}: {why}")
            })))
        }
    }
}

/// The value of the header with the schema's ID, of the last one.
fn header<'a>(record: RecordView<'a>, part: Part) -> Option<&'a [u8]> {
    let named = record.headers().filter(|(name, _)| *name == part.header());
    named.last().and_then(|(_, value)| value)
}

fn empty(record: &KafkaRecord) -> KafkaRecord {
    KafkaRecord {
        key: Span::ABSENT,
        value: Span::ABSENT,
        first_header: 0,
        header_count: 0,
        ..*record
    }
}

fn too_large(size: usize, most: usize) -> Undone {
    let message = format!("the record has {size} bytes, max-record-bytes is {most}");
    Undone::Failed(Class::TooLarge, message)
}
