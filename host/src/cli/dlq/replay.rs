//! `millstream dlq replay`.

use super::choice::Choice;
use super::letters::Letters;
use super::report::{self, Told};
use crate::cli::exit::Usage;
use crate::cli::output;
use crate::kafka::no_topic;
use crate::pipeline::PipelineSettings;
use crate::pipeline::offsets::check_store;
use crate::pipeline::replay::{Letter, Replayer, Rules};
use anyhow::bail;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// The arguments of `replay`.
#[derive(Args)]
pub(in crate::cli) struct ReplayArguments {
    #[command(flatten)]
    choice: Choice,
    /// How to replay.
    #[arg(long, value_enum, default_value_t = Way::Plugin)]
    through: Way,
    /// With `--through topic`: the topic to send to, instead of the record's topic.
    #[arg(long, value_name = "TOPIC")]
    to: Option<String>,
    /// Runs everything and shows the result, but stores, sends and marks
    /// nothing.
    #[arg(long)]
    dry_run: bool,
    /// At most this many letters per second.
    #[arg(long, value_name = "LETTERS", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Refuses letters whose record was already sent to its topic this many
    /// times and failed again.
    #[arg(long, value_name = "TIMES", default_value_t = 3)]
    max_replays: u32,
    /// Does not ask for confirmation.
    #[arg(long)]
    yes: bool,
    /// Also replays letters that may deliver events twice (the refusal says
    /// why), letters that the store refused although their records are marked,
    /// records that were already sent to their topic, and through a transform
    /// that keeps state: it reads the values of now and changes none.
    #[arg(long)]
    force: bool,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Way {
    /// Through the pipeline's current plugins, into the store.
    Plugin,
    /// To the record's topic, where the pipeline reads it again; needs
    /// `replays = true`.
    Topic,
}

pub(super) fn replay(arguments: &ReplayArguments) -> anyhow::Result<()> {
    let (settings, pipelines) = arguments.choice.read()?;
    let pipeline = arguments.check(&pipelines)?;
    check_store(&settings.store)?;
    let mut letters = Letters::open(&settings, &pipelines, &arguments.choice)?;
    if let Some(to) = &arguments.to
        && !letters.has_topic(to)?
    {
        bail!(no_topic(to));
    }
    let rules = arguments.rules();
    let mut replayer = Replayer::open(settings.resources()?, pipeline, rules, letters.stop())?;
    if !arguments.dry_run && !arguments.yes && !agreed(&letters, &replayer, pipeline)? {
        bail!("nothing was replayed");
    }
    letters.listen()?;
    let ended = run(arguments, &mut letters, &mut replayer);
    let told = Told {
        report: replayer.report(),
        dry_run: arguments.dry_run,
        stopped: letters.stopped(),
        no_letters: letters.no_letters,
    };
    let mut out = std::io::stdout().lock();
    let written = match arguments.json {
        true => writeln!(out, "{}", report::json(&told)),
        false => write!(out, "{}", report::text(&told)),
    };
    ended?;
    // Report failed letters even if the report could not be written.
    told.verdict()?;
    Ok(written?)
}

impl ReplayArguments {
    /// The selected pipeline, if the arguments are valid for it.
    fn check<'a>(&self, pipelines: &'a [PipelineSettings]) -> anyhow::Result<&'a PipelineSettings> {
        let [pipeline] = pipelines else {
            let names: Vec<_> = pipelines.iter().map(|p| &*p.name).collect();
            let names = names.join(", ");
            return Err(Usage::error(format!(
                "several pipelines are configured ({names}): choose one with --pipeline"
            )));
        };
        if self.to.is_some() && self.through != Way::Topic {
            return Err(Usage::error("--to needs --through topic".into()));
        }
        if self.through == Way::Topic && !pipeline.replays && !self.force {
            let name = &pipeline.name;
            return Err(Usage::error(format!(
                "the pipeline {name} would process records that are sent to its topic again as new \
                 records, and a crash between sending and marking would duplicate events: set \
                 `replays = true` in its table and restart it (or use --through plugin, or --force)"
            )));
        }
        if pipeline.keeps_state() && !self.force && !self.dry_run {
            let name = &pipeline.name;
            return Err(Usage::error(format!(
                "the transform of pipeline {name} keeps state: a replayed record would meet the \
                 values of now, not those of its place, and what it writes is not kept; with --force \
                 it is replayed all the same"
            )));
        }
        if !self.dry_run && !self.yes && !std::io::stdin().is_terminal() {
            return Err(Usage::error(
                "can't ask for confirmation: standard input is not a terminal; check with \
                 --dry-run, then use --yes"
                    .into(),
            ));
        }
        Ok(pipeline)
    }

    fn rules(&self) -> Rules {
        Rules {
            to_topic: (self.through == Way::Topic).then(|| self.to.clone()),
            max_replays: self.max_replays,
            force: self.force,
            write: !self.dry_run,
        }
    }
}

fn agreed(
    letters: &Letters,
    replayer: &Replayer,
    pipeline: &PipelineSettings,
) -> anyhow::Result<bool> {
    let way = match replayer.plugins() {
        [] => "to their topic".into(),
        plugins => format!("through {}", plugins.join(" and ")),
    };
    let (most, name) = (letters.left(), &pipeline.name);
    output::ask(format_args!(
        "Replay up to {most} letters of the pipeline {name} {way}? [y/N]"
    ));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn run(
    arguments: &ReplayArguments,
    letters: &mut Letters,
    replayer: &mut Replayer,
) -> anyhow::Result<()> {
    let bar = bar(letters.left());
    // A dry run needs no rate limit.
    let mut pace = Pace::new(arguments.rate.filter(|_| !arguments.dry_run));
    let mut step = || {
        let began = Instant::now();
        let (most, bytes) = replayer.limits();
        let some = take(letters, most.min(pace.batch()), bytes)?;
        let any = !some.is_empty();
        let worked = replayer.replay(some)?;
        bar.set_position(bar.length().unwrap_or(0).saturating_sub(letters.left()));
        wait(pace.due(began, worked), letters);
        anyhow::Ok(any)
    };
    let ended = loop {
        match step() {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    bar.finish_and_clear();
    ended
}

/// The next batch of letters, limited in number and bytes.
fn take(letters: &mut Letters, most: usize, bytes: usize) -> anyhow::Result<Vec<Letter>> {
    let mut some = Vec::new();
    let mut size = 0;
    while some.len() < most && size < bytes {
        let Some(letter) = letters.next_whole()? else {
            break;
        };
        size += letter.size();
        some.push(letter);
    }
    // After Ctrl-C, don't replay what was already read.
    if letters.stopped() {
        some.clear();
    }
    Ok(some)
}

/// A progress bar, drawn only on a terminal.
fn bar(records: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(records), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len}, {eta} left");
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// Limits letters per second. Idle time, such as a Kafka outage, gives no credit
/// for a later burst: the rate protects other systems.
struct Pace {
    rate: Option<u32>,
    next: Instant,
}

impl Pace {
    fn new(rate: Option<u32>) -> Pace {
        let next = Instant::now();
        Pace { rate, next }
    }

    /// The number of letters for a tenth of a second, at least 1.
    fn batch(&self) -> usize {
        self.rate
            .map_or(usize::MAX, |rate| (rate as usize / 10).max(1))
    }

    /// When the next batch may start, after `worked` letters since `began`.
    /// Skipped letters cost nothing.
    fn due(&mut self, began: Instant, worked: u64) -> Instant {
        if let Some(rate) = self.rate {
            let cost = Duration::from_secs_f64(worked as f64 / f64::from(rate));
            self.next = self.next.max(began) + cost;
        }
        self.next
    }
}

/// Waits until then, or until Ctrl-C.
fn wait(until: Instant, letters: &Letters) {
    while !letters.stopped() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(Duration::from_millis(100)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_gives_no_credit_for_later() {
        let mut pace = Pace::new(Some(100));
        let began = pace.next;
        let after = |millis| began + Duration::from_millis(millis);
        assert_eq!(pace.due(began, 10), after(100));
        assert_eq!(
            pace.due(after(100), 10),
            after(200),
            "as fast as is allowed"
        );
        assert_eq!(
            pace.due(after(5_000), 10),
            after(5_100),
            "after a pause as well"
        );
        assert_eq!(pace.due(after(5_100), 0), after(5_100), "passed over");
    }
}
