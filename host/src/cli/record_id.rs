//! A record as people name it: `<topic>/<partition>/<offset>`.

use crate::kafka::no_topic;
use crate::kafka::scan::{Look, Range, Scan};
use crate::record::OwnedRecord;
use anyhow::{Context, bail};

/// The name of a record in Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecordId {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

/// Parses `<topic>/<partition>/<offset>`.
pub(super) fn parse(text: &str) -> Result<RecordId, String> {
    let mut parts = text.rsplitn(3, '/');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let offset = part().and_then(|text| text.parse().ok());
    let partition = part().and_then(|text| text.parse().ok());
    match (part(), partition, offset) {
        (Some(topic), Some(partition), Some(offset)) => Ok(RecordId {
            topic: topic.into(),
            partition,
            offset,
        }),
        _ => Err("expected <topic>/<partition>/<offset>, for example orders-dlq/0/42".into()),
    }
}

impl RecordId {
    /// Fetches the record.
    ///
    /// # Errors
    /// If Kafka does not answer, or has no such topic or record.
    pub fn fetch(&self, scan: &mut Scan) -> anyhow::Result<OwnedRecord> {
        let RecordId {
            topic,
            partition,
            offset,
        } = self;
        if !self.add_to(scan)? {
            bail!(no_topic(topic));
        }
        first(scan)?.with_context(|| format!("no record at {topic}/{partition}/{offset}"))
    }

    /// Fetches the record, if Kafka still has it.
    ///
    /// # Errors
    /// If Kafka does not answer.
    pub fn find(&self, scan: &mut Scan) -> anyhow::Result<Option<OwnedRecord>> {
        match self.add_to(scan)? {
            true => first(scan),
            false => Ok(None),
        }
    }

    /// Returns false if the topic does not exist.
    fn add_to(&self, scan: &mut Scan) -> anyhow::Result<bool> {
        let range = Range {
            partition: Some(self.partition),
            offset: Some(self.offset),
            since: None,
        };
        scan.add(&self.topic, &range)
    }
}

fn first(scan: &mut Scan) -> anyhow::Result<Option<OwnedRecord>> {
    loop {
        match scan.look()? {
            Look::Record(record) => return Ok(Some(*record)),
            Look::Nothing => {}
            Look::End => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_named_by_topic_partition_and_offset() {
        let id = RecordId {
            topic: "a-dlq".into(),
            partition: 0,
            offset: 42,
        };
        assert_eq!(parse("a-dlq/0/42"), Ok(id));
        for wrong in ["", "a", "a/0", "/0/1", "a/x/1", "a/0/", "0/1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
