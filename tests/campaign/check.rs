//! Compares output with input, by source.

use crate::findings::{Findings, Flaw};
use crate::input::Input;
use crate::record::{PARTITIONS, Record};
use crate::versions::Versions;
use millstream_tests::{Consumed, Entry};
use std::collections::HashMap;

/// Takes every entry of every stream, in order, and every dead letter.
pub struct Checker<'a> {
    input: &'a Input,
    versions: &'a Versions,
    /// The number of events, or letters, of each record, by partition and offset.
    copies: Vec<Vec<u8>>,
    /// For each client, the offset of the last event of each partition.
    last: HashMap<String, [Option<usize>; PARTITIONS as usize]>,
    findings: Findings,
}

impl<'a> Checker<'a> {
    pub fn new(input: &'a Input, versions: &'a Versions) -> Self {
        Checker {
            input,
            versions,
            copies: input.lengths().map(|length| vec![0; length]).collect(),
            last: HashMap::new(),
            findings: Findings::default(),
        }
    }

    /// The next event of a client's stream.
    pub fn event(&mut self, client: &str, entry: &Entry) {
        self.findings.events += 1;
        let source = &entry.source;
        let parsed = self.input.parse_source(source);
        let found = parsed
            .filter(|(_, _, n)| *n == Some(0))
            .and_then(|(partition, offset, _)| {
                let record = self.input.record(partition, offset)?;
                record.good.then_some((partition, offset, record))
            });
        let Some((partition, offset, record)) = found else {
            return self
                .findings
                .add(Flaw::StrayEvent, format!("{source} of {client}"));
        };
        if client != record.client() {
            let told = format!(
                "{source} of {} is in the stream of {client}",
                record.client()
            );
            self.findings.add(Flaw::WrongClient, told);
        }
        self.check_place(client, partition, offset, entry);
        self.check_payload(&record, partition, offset, entry);
    }

    fn check_place(&mut self, client: &str, partition: usize, offset: usize, entry: &Entry) {
        let told = || format!("{} of {client}, entry {}", entry.source, entry.id);
        let copies = &mut self.copies[partition][offset];
        *copies = copies.saturating_add(1);
        let doubled = *copies > 1;
        let last = &mut self.last.entry(client.to_owned()).or_default()[partition];
        if doubled {
            self.findings.add(Flaw::Doubled, told());
        } else if let Some(last) = last.filter(|last| *last > offset) {
            self.findings
                .add(Flaw::OutOfOrder, format!("{}, after offset {last}", told()));
        }
        *last = (*last).max(Some(offset));
    }

    fn check_payload(&mut self, record: &Record, partition: usize, offset: usize, entry: &Entry) {
        let Entry { source, data, .. } = entry;
        let logged = self.versions.at(partition, offset);
        let by = |version: &str| {
            let place = (partition, offset);
            *data == self.input.payload(record, place, version)
        };
        if logged.is_some_and(by) {
            return;
        }
        let made_by = self.versions.names().find(|version| by(version));
        match made_by {
            Some(version) => {
                let logged = logged.unwrap_or("no version");
                let told = format!("{source} was made by {version}, the swap log says {logged}");
                self.findings.add(Flaw::WrongVersion, told);
            }
            None => self
                .findings
                .add(Flaw::WrongPayload, format!("{source}: {data:?}")),
        }
    }

    /// One dead letter.
    pub fn letter(&mut self, letter: &Consumed) {
        self.findings.letters += 1;
        let source = letter.header("millstream.source").unwrap_or_default();
        let found = self
            .input
            .parse_source(source)
            .and_then(|(partition, offset, _)| {
                let record = self.input.record(partition, offset)?;
                (!record.good).then_some((partition, offset, record))
            });
        let Some((partition, offset, record)) = found else {
            let why = letter
                .header("millstream.error.message")
                .unwrap_or_default();
            return self
                .findings
                .add(Flaw::StrayLetter, format!("{source:?}: {why}"));
        };
        let copies = &mut self.copies[partition][offset];
        self.findings.copies += u64::from(*copies > 0);
        *copies = copies.saturating_add(1);
        if !is_intact(&record, letter) {
            self.findings.add(Flaw::LetterDamaged, source);
        }
    }

    /// What is missing. Call it after all entries and letters.
    pub fn finish(mut self) -> Findings {
        for (partition, copies) in self.copies.iter().enumerate() {
            let none = copies
                .iter()
                .enumerate()
                .filter(|(_, copies)| **copies == 0);
            for (offset, _) in none {
                let Some(record) = self.input.record(partition, offset) else {
                    continue;
                };
                let told = format!(
                    "{}/{partition}/{offset} of {}",
                    self.input.topic,
                    record.client()
                );
                let flaw = if record.good {
                    Flaw::Lost
                } else {
                    Flaw::LetterMissing
                };
                self.findings.add(flaw, told);
            }
        }
        self.findings
    }
}

/// Whether the letter has the record's bytes, and its reason.
fn is_intact(record: &Record, letter: &Consumed) -> bool {
    let sent = record.message();
    let own = sent.headers.len();
    letter.key == sent.key
        && letter.value == sent.value
        && letter.headers.get(..own) == Some(&sent.headers)
        && letter.headers[own..]
            .iter()
            .all(|(name, _)| name.starts_with("millstream."))
        && letter.header("millstream.error.class") == Some("malformed")
}
