//! Fetches the source records of letters that omit a part of them.

use crate::cli::record_id::RecordId;
use crate::kafka::KafkaSettings;
use crate::kafka::scan::Scan;
use crate::pipeline::replay::Letter;
use crate::record::OwnedRecord;

/// Fetches records by their source.
pub(in crate::cli) struct Originals {
    kafka: KafkaSettings,
    /// Created when it is first needed.
    scan: Option<Scan>,
}

impl Originals {
    /// Does not connect yet.
    pub fn new(kafka: &KafkaSettings) -> Originals {
        let kafka = kafka.clone();
        Originals { kafka, scan: None }
    }

    /// Restores what the letter omits; if its record is gone, the letter says so.
    ///
    /// # Errors
    /// When Kafka does not answer.
    pub fn restore(&mut self, letter: Letter) -> anyhow::Result<Letter> {
        if letter.omitted.is_none() {
            return Ok(letter);
        }
        let gone = || "retention removed it, or its topic was deleted".to_string();
        Ok(match self.fetch(&letter)? {
            Some(record) => letter.restored(record),
            None => letter.without_record(gone()),
        })
    }

    fn fetch(&mut self, letter: &Letter) -> anyhow::Result<Option<OwnedRecord>> {
        let scan = match &mut self.scan {
            Some(scan) => scan,
            none => none.insert(Scan::connect(&self.kafka)?),
        };
        let source = RecordId {
            topic: letter.source.topic.to_string(),
            partition: letter.source.partition,
            offset: letter.source_offset,
        };
        source.find(scan)
    }
}
