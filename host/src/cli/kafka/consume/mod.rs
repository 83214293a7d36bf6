//! `millstream consume`.

mod arguments;
mod quiet;
mod show;

use super::decode::Decode;
use super::stop::Stop;
use super::{exit, output};
use crate::kafka::{Reader, Step};
pub(in crate::cli) use arguments::ConsumeArguments;

use arguments::Format;
use quiet::Quiet;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

/// Bytes of output to buffer while more records are available.
const GATHER: usize = 64 << 10;

pub(in crate::cli) fn run(arguments: &ConsumeArguments) -> anyhow::Result<()> {
    if arguments.key_delimiter.is_some() && arguments.format != Format::Text {
        let why = "-K works only with --format text: the other formats always show the key";
        return Err(exit::Usage(why.into()).into());
    }
    let stop = Stop::listen()?;
    let decode = arguments.decode.open(arguments.reach.config())?;
    let connection = arguments.reach.connect()?;
    let reader = Reader::start(&connection, &arguments.reading())?;
    let mut printing = Printing {
        reader,
        decode,
        out: BufWriter::with_capacity(GATHER, io::stdout().lock()),
        printed: 0,
        pending: BTreeMap::new(),
        warned: false,
        quiet: Quiet::of(arguments),
    };
    let done = printing.all(arguments, &stop);
    let Printing { reader, out, .. } = printing;
    // The buffer's rest was not written, so it is not committed.
    drop(out.into_parts());
    let closed = reader.close();
    match done {
        // The reader closed the pipe; what it read is committed.
        Err(error) if exit::is_broken_pipe(&error) => {}
        other => other?,
    }
    Ok(closed?)
}

struct Printing<W: Write> {
    reader: Reader,
    decode: Option<Decode>,
    out: BufWriter<W>,
    printed: u64,
    /// The next offset per partition of what is in `out` and not written yet.
    pending: BTreeMap<i32, i64>,
    warned: bool,
    quiet: Quiet,
}

impl<W: Write> Printing<W> {
    fn all(&mut self, arguments: &ConsumeArguments, stop: &Stop) -> anyhow::Result<()> {
        let show = arguments.show();
        let mut rendered = Vec::new();
        while !stop.is_asked() && arguments.max.is_none_or(|max| self.printed < max) {
            // While records are available, buffer them; otherwise write at once.
            let patience = match self.pending.is_empty() {
                true => Duration::from_millis(100),
                false => Duration::ZERO,
            };
            match self.reader.next(patience)? {
                Step::Record(mut record) => {
                    if let Some(decode) = &self.decode {
                        decode.show(&mut record);
                    }
                    rendered.clear();
                    show.write(&mut rendered, &record)?;
                    self.make_room(rendered.len())?;
                    self.out.write_all(&rendered)?;
                    self.pending
                        .insert(record.origin.partition, record.offset + 1);
                    self.printed += 1;
                }
                Step::Nothing => {
                    self.flush()?;
                    self.warn();
                    self.quiet.say(self.printed);
                }
                Step::End => break,
            }
        }
        Ok(self.flush()?)
    }

    /// Flushes before the buffer is full: a full `BufWriter` would write a part,
    /// and it would not be known which records that are.
    fn make_room(&mut self, size: usize) -> io::Result<()> {
        match self.out.buffer().len() + size > GATHER {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        for (partition, next) in std::mem::take(&mut self.pending) {
            self.reader.shown(partition, next);
        }
        Ok(())
    }

    /// Warns once that Kafka is unreachable.
    fn warn(&mut self) {
        let trouble = self.reader.trouble();
        if let (Some(why), false) = (&trouble, self.warned) {
            output::say(format_args!("millstream: waiting for Kafka: {why}"));
        }
        self.warned = trouble.is_some();
    }
}
