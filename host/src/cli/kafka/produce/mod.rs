//! `millstream produce`.

mod arguments;
mod encode;
mod input;
mod record;
mod tally;

use super::exit;
use super::stop::Stop;
use crate::kafka::producer::{Sender, SenderOptions};
use anyhow::{anyhow, bail};
pub(in crate::cli) use arguments::ProduceArguments;

use encode::Encode;
use input::{Input, Line};
use std::time::{Duration, Instant};
use tally::Tally;

/// How long to wait for records in flight after Ctrl-C.
const STOPPING: Duration = Duration::from_secs(10);

pub(in crate::cli) fn run(arguments: &ProduceArguments) -> anyhow::Result<()> {
    arguments.check()?;
    let stop = Stop::listen()?;
    let input = Input::open(&arguments.files)?;
    let encode = Encode::of(arguments)?;
    let connection = arguments.reach.connect()?;
    let sender = Sender::start(
        &connection,
        &SenderOptions {
            topic: arguments.topic.clone(),
            partition: arguments.partition,
            acks: arguments.acks.clone(),
            compression: arguments.compression.clone(),
        },
    )?;
    let mut run = Run {
        tally: Tally::new(arguments, &input),
        arguments,
        encode,
        sender,
        stop,
        last: None,
    };
    let read = run.send_all(&input);
    run.flush();
    let Run { tally, sender, .. } = run;
    // A missing in-sync replica or leader explains records that failed.
    let lacking = tally
        .has_failed()
        .then(|| connection.lacking(sender.topic()));
    sender.abandon();
    match (read, tally.finish(lacking.flatten())) {
        (Err(read), Err(told)) if !exit::is_broken_pipe(&told) => bail!("{told}; {read:#}"),
        (Err(read), _) => Err(read),
        (Ok(()), told) => told,
    }
}

struct Run<'a> {
    arguments: &'a ProduceArguments,
    encode: Option<Encode>,
    sender: Sender,
    tally: Tally,
    stop: Stop,
    /// The place in the input of the last record that was sent.
    last: Option<String>,
}

impl Run<'_> {
    fn send_all(&mut self, input: &Input) -> anyhow::Result<()> {
        let mut next = Instant::now();
        while !self.stop.is_asked() {
            let Some(line) = input.next(Duration::from_millis(50)) else {
                self.sender.poll(Duration::ZERO);
                self.take_results();
                continue;
            };
            let Some(line) = line? else {
                return Ok(());
            };
            if let Some(rate) = self.arguments.rate {
                if !self.wait_for(next) {
                    return self.stopped();
                }
                next = next.max(Instant::now() - Duration::from_secs(1))
                    + Duration::from_secs(1) / rate;
            }
            if !self.send(&line)? {
                return self.stopped();
            }
            self.sender.poll(Duration::ZERO);
            self.take_results();
        }
        match input.next(Duration::ZERO) {
            Some(Ok(None)) => Ok(()),
            // At a terminal, Ctrl-C is the end of the input.
            _ if input.is_typed => Ok(()),
            _ => self.stopped(),
        }
    }

    /// The error for stopping before the end of the input, so that the exit code
    /// does not say that everything was sent.
    fn stopped(&self) -> anyhow::Result<()> {
        match &self.last {
            Some(place) => bail!("stopped after {place}; the rest was not sent"),
            None => bail!("stopped before anything was sent"),
        }
    }

    /// Waits until `due`; false if a signal asked to stop before.
    fn wait_for(&mut self, due: Instant) -> bool {
        while !self.stop.is_asked() {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            self.sender.poll(left.min(Duration::from_millis(50)));
            self.take_results();
        }
        false
    }

    /// False if a signal asked to stop while the queue was full; the record was not sent.
    fn send(&mut self, line: &Line) -> anyhow::Result<bool> {
        let made = self.arguments.record(self.sender.topic(), line)?;
        let Some((mut record, placing)) = made else {
            return Ok(true);
        };
        if let Some(encode) = &self.encode {
            let encoded = encode.apply(&mut record);
            encoded.map_err(|why| anyhow!("{}: {why}", line.place))?;
        }
        let number = self.tally.sending(line, &record);
        let stop = self.stop.clone();
        let sent = self
            .sender
            .send(&record, placing, number, &mut || !stop.is_asked());
        match sent {
            Ok(true) => {}
            Ok(false) => {
                self.tally.not_sent(number);
                return Ok(false);
            }
            Err(why) => self.tally.failed(number, &why),
        }
        self.last = Some(line.place.clone());
        Ok(true)
    }

    fn take_results(&mut self) {
        for sent in self.sender.results() {
            match sent.result {
                Ok(place) => self.tally.acknowledged(sent.number, place),
                Err(why) => self.tally.failed(sent.number, &why),
            }
        }
    }

    /// Waits for the result of every record in flight; librdkafka limits that
    /// time. After a signal, waits no longer than [`STOPPING`].
    fn flush(&mut self) {
        let mut asked = None;
        while self.sender.in_flight() > 0 {
            self.sender.poll(Duration::from_millis(50));
            self.take_results();
            if self.stop.is_asked() && asked.get_or_insert_with(Instant::now).elapsed() > STOPPING {
                break;
            }
        }
        self.take_results();
    }
}
