//! One record from Kafka, instead of a file of records.

use crate::cli::capture::failure_of;
use crate::cli::dlq::Originals;
use crate::cli::kafka::decode::DecodeArguments;
use crate::cli::kafka::reach::ReachBeside;
use crate::cli::record_id::{self, RecordId};
use crate::kafka::KafkaSettings;
use crate::kafka::scan::Scan;
use crate::pipeline::replay::Letter;
use crate::plugin::fixture;
use crate::record::OwnedRecord;
use anyhow::bail;
use clap::Args;

#[derive(Args)]
pub(super) struct Fetched {
    /// Takes one record from Kafka, named as `<topic>/<partition>/<offset>`.
    #[arg(long, value_name = "RECORD", value_parser = record_id::parse)]
    at: Option<RecordId>,
    /// Takes the record of a dead letter, named as `dlq list` shows it.
    #[arg(long, value_name = "LETTER", value_parser = record_id::parse, conflicts_with = "at")]
    letter: Option<RecordId>,
    #[command(flatten)]
    decode: DecodeArguments,
    #[command(flatten)]
    reach: ReachBeside,
}

impl Fetched {
    /// The record as a line of a fixture, if one is named.
    ///
    /// # Errors
    /// If Kafka does not answer, or has no such record.
    pub fn line(&self) -> anyhow::Result<Option<String>> {
        if let Some(id) = &self.at {
            let mut record = id.fetch(&mut Scan::connect(&self.reach.settings()?)?)?;
            self.hand_over(&mut record)?;
            return Ok(Some(fixture::line(&record, None)));
        }
        let Some(id) = &self.letter else {
            return Ok(None);
        };
        let letter = letter(&self.reach.settings()?, id)?;
        let failure = failure_of(&letter);
        let mut record = letter.source_record();
        self.hand_over(&mut record)?;
        Ok(Some(fixture::line(&record, Some(&failure))))
    }

    /// Decodes it as plugins get it, if that is asked for.
    fn hand_over(&self, record: &mut OwnedRecord) -> anyhow::Result<()> {
        if let Some(decode) = self.decode.open(None)? {
            decode.hand_over(record);
        }
        Ok(())
    }
}

/// A dead letter with its whole record.
///
/// # Errors
/// If Kafka does not answer, has no such letter, or no longer has its record.
pub(super) fn letter(kafka: &KafkaSettings, id: &RecordId) -> anyhow::Result<Letter> {
    let RecordId {
        topic,
        partition,
        offset,
    } = id;
    let record = id.fetch(&mut Scan::connect(kafka)?)?;
    let Ok(letter) = Letter::of(record) else {
        bail!("{topic}/{partition}/{offset} is not a dead letter: it lacks the failure's headers");
    };
    let letter = Originals::new(kafka).restore(letter)?;
    let (source, at) = (&letter.source, letter.source_offset);
    if let Some(why) = letter.absent() {
        bail!("the letter lacks its record, {source}/{at}: {why}");
    }
    if letter.own_value {
        bail!("the dead-letter policy wrote another value; use --at {source}/{at}");
    }
    Ok(letter)
}
