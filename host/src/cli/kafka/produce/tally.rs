//! The result of every record: as lines, as progress, and as a summary.

use super::arguments::ProduceArguments;
use super::input::{Input, Line};
use crate::cli::output::{self, say};
use crate::record::Outgoing;
use anyhow::bail;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressState, ProgressStyle};
use serde_json::json;
use std::collections::HashMap;
use std::time::Instant;

/// How many failures are printed one by one.
const TOLD: u64 = 5;

pub(super) struct Tally {
    topic: String,
    verbose: bool,
    json: bool,
    unasked: bool,
    began: Instant,
    /// The place and size of each record in flight, by number.
    in_flight: HashMap<u64, (String, usize)>,
    sent: u64,
    acknowledged: u64,
    failed: u64,
    /// Bytes of acknowledged keys and values.
    bytes: usize,
    progress: ProgressBar,
    results: output::Results,
}

impl Tally {
    pub fn new(arguments: &ProduceArguments, input: &Input) -> Tally {
        let hidden = arguments.verbose || arguments.json || input.is_typed;
        Tally {
            topic: arguments.topic.clone(),
            verbose: arguments.verbose,
            json: arguments.json,
            unasked: arguments.acks == "0",
            began: Instant::now(),
            in_flight: HashMap::new(),
            sent: 0,
            acknowledged: 0,
            failed: 0,
            bytes: 0,
            progress: if hidden { ProgressBar::hidden() } else { bar() },
            results: output::Results::default(),
        }
    }

    /// Counts a record before it is sent; returns its number.
    pub fn sending(&mut self, line: &Line, record: &Outgoing) -> u64 {
        self.sent += 1;
        let size = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let size = size(&record.key) + size(&record.value);
        self.in_flight.insert(self.sent, (line.place.clone(), size));
        self.sent
    }

    /// Takes back a record that was not sent.
    pub fn not_sent(&mut self, number: u64) {
        self.in_flight.remove(&number);
        self.sent -= 1;
    }

    pub fn acknowledged(&mut self, number: u64, place: (i32, i64)) {
        self.acknowledged += 1;
        self.progress.set_position(self.acknowledged);
        let (from, size) = self.in_flight.remove(&number).unwrap_or_default();
        self.bytes += size;
        let ((partition, offset), topic) = (place, &self.topic);
        if self.json {
            let offset = (offset >= 0).then_some(offset);
            return self.results.line(json!({
                "from": from, "topic": topic, "partition": partition, "offset": offset
            }));
        }
        match (self.verbose, offset) {
            (true, 0..) => {
                let told = format!("{from}: {topic}/{partition}, offset {offset}");
                self.results.line(told);
            }
            (true, _) => {
                let told = format!("{from}: {topic}, not acknowledged (--acks 0)");
                self.results.line(told);
            }
            (false, _) => {}
        }
    }

    pub fn failed(&mut self, number: u64, why: &str) {
        self.failed += 1;
        let (from, _) = self.in_flight.remove(&number).unwrap_or_default();
        if self.json {
            let line = json!({ "from": from, "topic": self.topic, "error": why });
            return self.results.line(line);
        }
        if self.failed <= TOLD {
            self.progress
                .suspend(|| say(format_args!("millstream: {from}: {why}")));
        }
    }

    pub fn has_failed(&self) -> bool {
        self.failed > 0
    }

    /// Prints the summary; `lacking` says what the topic lacks.
    ///
    /// # Errors
    /// When not all was acknowledged, or not all could be printed.
    pub fn finish(self, lacking: Option<String>) -> anyhow::Result<()> {
        self.progress.finish_and_clear();
        let Tally {
            sent,
            acknowledged,
            topic,
            ..
        } = &self;
        let lost = sent - acknowledged;
        let how = if self.unasked {
            "sent to"
        } else {
            "acknowledged by"
        };
        let records = if *acknowledged == 1 {
            "record"
        } else {
            "records"
        };
        say(format_args!(
            "{} {records} ({}) {how} {topic} in {:.1} s",
            HumanCount(*acknowledged),
            HumanBytes(self.bytes as u64),
            self.began.elapsed().as_secs_f64()
        ));
        let why = lacking.map_or_else(String::new, |why| format!(": {why}"));
        match lost {
            0 => Ok(self.results.end()?),
            1 => bail!("1 record was not acknowledged by Kafka{why}"),
            _ => bail!("{lost} records were not acknowledged by Kafka{why}"),
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let template = "{spinner} {human_pos} acknowledged, {rate} per second";
    if let Ok(style) = ProgressStyle::with_template(template) {
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let rate = HumanCount(state.per_sec() as u64);
            // It is fine if the bar can't be drawn.
            let _ = write!(out, "{rate}");
        };
        bar.set_style(style.with_key("rate", rate));
    }
    bar
}
