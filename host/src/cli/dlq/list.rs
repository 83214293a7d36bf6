//! `millstream dlq list`.

use super::choice::Choice;
use super::letters::Letters;
use super::{bytes, time};
use crate::cli::kafka::wire;
use crate::cli::table::Table;
use crate::pipeline::replay::Letter;
use anyhow::bail;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

/// Rows of the table without `--limit`.
const ROWS: u64 = 100;
/// The most kinds in the summary: there may be many plugins and topics.
const KINDS: usize = 1000;
/// The longest message and key in a table.
const CUT: (usize, usize) = (60, 24);
/// The longest name in a table: letters are untrusted.
const NAME: usize = 260;

const HEAD: [&str; 9] = [
    "LETTER", "WRITTEN", "CLASS", "STAGE", "PLUGIN", "RECORD", "TRIES", "KEY", "MESSAGE",
];

pub(super) fn list(choice: &Choice, summary: bool, as_json: bool) -> anyhow::Result<()> {
    let (settings, pipelines) = choice.read()?;
    let mut letters = Letters::open(&settings, &pipelines, choice)?;
    letters.listen()?;
    // The same topic may have letters of other groups.
    if let (Some(_), [pipeline]) = (&choice.pipeline, &pipelines[..]) {
        letters = letters.of_group(&pipeline.group);
    }
    if as_json {
        return lines(&mut letters);
    }
    // The table is limited, but the counts include every letter.
    let mut letters = letters.without_limit();
    let rows = if summary {
        0
    } else {
        choice.limit.unwrap_or(ROWS)
    };
    // Keys may look like numbers in some lists and not in others.
    let mut table = Table::new(&HEAD).words(7);
    let mut counted = Summary::default();
    while let Some(letter) = letters.next()? {
        if counted.letters < rows {
            table.row(row(&letter));
        }
        counted.add(&letter);
    }
    let shown = counted.letters.min(rows);
    let mut out = std::io::stdout().lock();
    if shown > 0 {
        writeln!(out, "{}\n", table.text())?;
    }
    // Without a table, the counts below are enough.
    if shown > 0 && shown < counted.letters {
        let all = counted.letters;
        writeln!(
            out,
            "Showing the first {shown} of {all}; use --limit to show more or fewer.\n"
        )?;
    }
    write!(out, "{}", counted.text())?;
    if letters.no_letters > 0 {
        let n = letters.no_letters;
        writeln!(
            out,
            "Skipped {n} record(s) that are not dead letters: they lack the failure's headers."
        )?;
    }
    whole(&letters)
}

fn lines(letters: &mut Letters) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    while let Some(letter) = letters.next()? {
        writeln!(out, "{}", describe(&letter))?;
    }
    out.flush()?;
    whole(letters)
}

/// Fails if the list is incomplete, so that scripts notice.
fn whole(letters: &Letters) -> anyhow::Result<()> {
    if letters.stopped() {
        bail!("stopped before the end; the list is incomplete");
    }
    Ok(())
}

fn row(letter: &Letter) -> Vec<String> {
    let record = &letter.record;
    vec![
        format!("{}/{}", record.origin, record.offset),
        time::short(record.timestamp),
        name(&letter.class),
        name(&letter.stage),
        name(short_name(&letter.plugin)),
        format!(
            "{}/{}",
            name(&letter.source.to_string()),
            letter.source_offset
        ),
        letter.attempts.to_string(),
        bytes::cut(&bytes::one_line(record.key.as_deref()), CUT.1),
        bytes::cut(&bytes::line(&letter.message), CUT.0),
    ]
}

fn name(text: &str) -> String {
    bytes::cut(&bytes::line(text), NAME)
}

/// A file's name without its folders.
fn short_name(plugin: &str) -> &str {
    match plugin.rsplit('/').next() {
        Some("") | None => "-",
        Some(name) => name,
    }
}

/// A letter as JSON.
pub(super) fn describe(letter: &Letter) -> Value {
    let record = &letter.record;
    json!({
        "topic": &*record.origin.topic,
        "partition": record.origin.partition,
        "offset": record.offset,
        "time": time::long(record.timestamp),
        "class": letter.class,
        "message": letter.message,
        "stage": letter.stage,
        "plugin": letter.plugin,
        "digest": letter.digest,
        "attempts": letter.attempts,
        "group": letter.group,
        "replays": letter.replays,
        "omitted": letter.omitted.as_ref().map(|omitted| &omitted.parts),
        "record": {
            "topic": &*letter.source.topic,
            "partition": letter.source.partition,
            "offset": letter.source_offset,
            "time": time::long(letter.source_timestamp),
        },
        "key": wire::bytes(record.key.as_deref()),
    })
}

/// How many letters there are of each kind.
#[derive(Default)]
struct Summary {
    letters: u64,
    /// By class, plugin and the record's topic: the count, the first and the last time.
    kinds: BTreeMap<[String; 3], (u64, i64, i64)>,
}

impl Summary {
    fn add(&mut self, letter: &Letter) {
        self.letters += 1;
        let mut kind = [
            name(&letter.class),
            name(short_name(&letter.plugin)),
            name(&letter.source.topic),
        ];
        if self.kinds.len() >= KINDS && !self.kinds.contains_key(&kind) {
            kind = ["(others)".into(), "-".into(), "-".into()];
        }
        let written = letter.record.timestamp;
        let (count, first, last) = self.kinds.entry(kind).or_insert((0, written, written));
        (*count, *first, *last) = (*count + 1, written.min(*first), written.max(*last));
    }

    fn text(&self) -> String {
        if self.letters == 0 {
            return "No letters match.\n".into();
        }
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(_, (count, ..))| std::cmp::Reverse(*count));
        let mut table = Table::new(&["LETTERS", "CLASS", "PLUGIN", "TOPIC", "FIRST", "LAST"]);
        for ([class, plugin, topic], (count, first, last)) in kinds {
            let (first, last) = (time::short(*first), time::short(*last));
            let (count, class) = (count.to_string(), class.clone());
            table.row([count, class, plugin.clone(), topic.clone(), first, last]);
        }
        let all = self.letters;
        let s = if all == 1 { "" } else { "s" };
        format!("{}\n\n{all} letter{s}\n", table.text())
    }
}
