//! Records from Kafka to Redis: Millstream with ledger, plugins and metrics, beside a hand-written
//! loop that has none of them ([`yardstick`]), on the same servers and cores.

mod contender;
mod measure;
mod report;
mod workload;
pub mod yardstick;

use crate::{daemon, results};
use anyhow::Result;
use contender::Contender;
use measure::{Bench, Figures};
use millstream_tests::Daemon;
use report::Row;
use std::path::PathBuf;
use std::time::Duration;
use workload::{Spread, Workload};

#[derive(clap::Args)]
pub struct Options {
    /// A smaller and shorter run, for a first impression
    #[arg(long)]
    quick: bool,
    /// One line of JSON at the end: the ratios to the yardstick, its figures and Millstream's
    #[arg(long)]
    json: bool,
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
    /// The loop with MULTI and EXEC around each batch, too
    #[arg(long)]
    multi: bool,
    /// Milliseconds that each request to Redis takes longer, as if Redis were far away
    #[arg(long, default_value = "0", value_name = "MS", value_parser = millis)]
    redis_delay: Duration,
    /// Lines that are added to the daemon's `[[pipeline]]` table
    #[arg(long, default_value = "")]
    pipeline: String,
    /// Where the results are written [default: target/bench-results/road-<time>.json]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn existing(file: &str) -> Result<PathBuf, String> {
    std::fs::canonicalize(file).map_err(|e| e.to_string())
}

fn millis(text: &str) -> Result<Duration, String> {
    let millis: f64 = text.parse().map_err(|_| "a number of milliseconds")?;
    Duration::try_from_secs_f64(millis / 1e3).map_err(|e| e.to_string())
}

pub fn run(options: &Options) -> Result<()> {
    daemon::build()?;
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
            );
            rows.extend(compare(options, &work, *spread)?);
        }
    }
    let measured = serde_json::to_value(&rows)?;
    let file = results::write("road", options.out.as_deref(), &measured)?;
    eprintln!("results: {}", file.display());
    if options.json {
        println!("{}", report::summary(&rows));
    }
    Ok(())
}

/// Measures all contenders with this work; the yardstick is the first row.
fn compare(options: &Options, work: &Workload, spread: Spread) -> Result<Vec<Row>> {
    let bench = Bench::new(work, options.redis_delay);
    let contenders = contenders(options);
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
    report::print(&rows, options.json);
    Ok(rows)
}

fn contenders(options: &Options) -> Vec<Contender> {
    let mut contenders = vec![Contender::Loop { multi: false }];
    if options.multi {
        contenders.push(Contender::Loop { multi: true });
    }
    let daemon = |name: &str, program: PathBuf| Contender::Daemon {
        name: name.to_owned(),
        program,
        pipeline: options.pipeline.clone(),
    };
    contenders.push(daemon("millstream", Daemon::program()));
    if let Some(other) = &options.against {
        contenders.push(daemon("the other", other.clone()));
    }
    contenders
}
