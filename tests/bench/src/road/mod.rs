//! Records from Kafka to Redis: Millstream with ledger, plugins and metrics, beside a hand-written
//! loop that has none of them ([`yardstick`]), on the same servers and cores.

mod contender;
mod measure;
mod report;
mod workload;
pub mod yardstick;

use crate::daemon::{Subject, existing};
use crate::results::Output;
use anyhow::Result;
use contender::{Contender, Transform};
use measure::{Bench, Figures};
use report::Row;
use std::path::{Path, PathBuf};
use std::time::Duration;
use workload::{Content, Spread, Workload};

#[derive(clap::Args)]
pub struct Options {
    /// A smaller and shorter run, for a first impression
    #[arg(long)]
    quick: bool,
    /// How many records
    #[arg(long, default_value_t = 600_000, value_parser = clap::value_parser!(u32).range(1000..))]
    records: u32,
    /// How many clients, one table each
    #[arg(long, value_delimiter = ',', default_value = "1000", value_parser = clap::value_parser!(u32).range(1..))]
    clients: Vec<u32>,
    /// How the records are spread over the clients
    #[arg(long, value_delimiter = ',', value_enum, default_value = "uniform")]
    spread: Vec<Spread>,
    /// How many partitions
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    partitions: u16,
    /// How many rounds; each measures everything once, in another order
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Another daemon to measure beside this one
    #[arg(long, value_name = "FILE", value_parser = existing)]
    against: Option<PathBuf>,
    /// Instead of the loop: a transform that counts the records of each key, beside one that makes
    /// the same events without the counts
    #[arg(long, conflicts_with_all = ["against", "multi"])]
    state: bool,
    /// Instead of the loop: the same records as plain JSON, beside Avro by a schema registry
    #[arg(long, conflicts_with_all = ["against", "multi", "state"])]
    decode: bool,
    /// The loop with MULTI and EXEC around each batch, too
    #[arg(long)]
    multi: bool,
    /// Milliseconds that each request to Redis takes longer, as if Redis were far away
    #[arg(long, default_value = "0", value_name = "MS", value_parser = millis)]
    redis_delay: Duration,
    /// Lines that are added to the daemon's `[[pipeline]]` table
    #[arg(long, default_value = "")]
    pipeline: String,
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    output: Output,
}

fn millis(text: &str) -> Result<Duration, String> {
    let millis: f64 = text.parse().map_err(|_| "a number of milliseconds")?;
    Duration::try_from_secs_f64(millis / 1e3).map_err(|e| e.to_string())
}

pub fn run(options: &Options) -> Result<()> {
    let program = options.subject.program()?;
    let mut rows = Vec::new();
    for spread in &options.spread {
        for clients in &options.clients {
            let records = match options.quick {
                true => options.records.min(300_000),
                false => options.records,
            };
            let work = Workload::new(
                records as usize,
                usize::from(options.partitions),
                *clients as usize,
                *spread,
                match options.state {
                    true => Content::Small,
                    false => Content::Notification,
                },
            );
            rows.extend(compare(options, &program, &work, *spread)?);
        }
    }
    let measured = serde_json::to_value(&rows)?;
    options.output.object(&report::summary(&rows));
    options.output.keep("road", &measured)
}

/// Measures all contenders with this work; the first row is what the others are compared with.
fn compare(options: &Options, program: &Path, work: &Workload, spread: Spread) -> Result<Vec<Row>> {
    let bench = Bench::new(work, options.redis_delay, options.decode);
    let contenders = contenders(options, program);
    let mut figures: Vec<Vec<Figures>> = vec![Vec::new(); contenders.len()];
    for round in 0..usize::from(options.rounds) {
        for turn in 0..contenders.len() {
            let which = (round + turn) % contenders.len();
            let measured = bench.measure(&contenders[which], round == 0)?;
            eprintln!("round {round}: {}: {measured}", contenders[which].name());
            figures[which].push(measured);
        }
    }
    let names = contenders.iter().map(Contender::name);
    let rows = report::rows(work, spread, names, &figures);
    report::print(&rows, &options.output);
    Ok(rows)
}

fn contenders(options: &Options, program: &Path) -> Vec<Contender> {
    let daemon = |name: &str, program: &Path, transform| Contender::Daemon {
        name: name.to_owned(),
        program: program.to_path_buf(),
        transform,
        pipeline: options.pipeline.clone(),
        is_avro: false,
    };
    if options.decode {
        let mut avro = daemon("Avro", program, Transform::notifications());
        if let Contender::Daemon { is_avro, .. } = &mut avro {
            *is_avro = true;
        }
        let plain = daemon("plain JSON", program, Transform::notifications());
        return vec![plain, avro];
    }
    if options.state {
        return vec![
            daemon("without state", program, Transform::stateless()),
            daemon("with state", program, Transform::counting()),
        ];
    }
    let mut contenders = vec![Contender::Loop { multi: false }];
    if options.multi {
        contenders.push(Contender::Loop { multi: true });
    }
    contenders.push(daemon("millstream", program, Transform::notifications()));
    if let Some(other) = &options.against {
        contenders.push(daemon("the other", other, Transform::notifications()));
    }
    contenders
}
