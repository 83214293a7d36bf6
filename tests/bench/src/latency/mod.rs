//! From a producer through Kafka and the daemon's real ingest to one client's socket, stage by
//! stage. The producer and the client are threads of this process, so one clock times all.

mod consumer;
mod reader;
mod sender;
mod stages;

use crate::arguments::{seconds, some};
use crate::daemon::Subject;
use crate::proc::{cpu, load_average, percent};
use crate::results::Output;
use anyhow::{Result, ensure};
use consumer::Consumer;
use millstream_tests::{Daemon, config, create_topic, servers, unique};
use reader::Reader;
use sender::Sender;
use serde::Serialize;
use stages::{Quantiles, Stages};
use std::time::{Duration, Instant};

/// Not measured: connecting to Kafka, and the consumer group's first fetch.
const WARM: Duration = Duration::from_secs(1);
/// Much longer than needed, since the machine may be compiling.
const START: Duration = Duration::from_secs(120);

#[derive(clap::Args)]
pub struct Options {
    /// Records a second
    #[arg(long, default_value_t = 200, value_parser = some())]
    rate: u32,
    /// How long to produce records
    #[arg(long, default_value = "30", value_parser = seconds)]
    seconds: Duration,
    /// Bytes of a record's value
    #[arg(long, default_value_t = 100)]
    payload: usize,
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    output: Output,
}

/// What was measured.
#[derive(Serialize)]
struct Outcome {
    rate: u32,
    records: usize,
    #[serde(flatten)]
    stages: Stages,
    /// Records that were sent more than a millisecond after they were due.
    late: usize,
    worst_lag_ms: f64,
    /// Percent of a core.
    daemon_cpu: f64,
    redis_cpu: f64,
    load_average: f64,
}

pub fn run(options: &Options) -> Result<()> {
    let program = options.subject.program()?;
    let outcome = measure(options, &program)?;
    tell(&outcome, &options.output);
    let measured = serde_json::to_value(&outcome)?;
    options.output.object(&measured);
    options.output.keep("latency", &measured)
}

fn measure(options: &Options, program: &std::path::Path) -> Result<Outcome> {
    let (topic, prefix) = (create_topic("latency", 1), unique("latency"));
    let (kafka, redis) = (servers().kafka.bootstrap(), &servers().redis);
    let config = config(&kafka, &redis.url(), &topic, &prefix, "name = \"latency\"");
    let daemon = Daemon::builder(&config).program(Some(program)).start();
    daemon.wait_ready(START);
    let client = unique("ada");
    let reader = Reader::open(&daemon.sse(), &client)?;
    let count = |time: Duration| (time.as_secs_f64() * f64::from(options.rate)).ceil() as usize;
    let (warm, records) = (count(WARM), count(options.seconds));
    ensure!(records > 0, "no records in so short a time");
    let plain = Consumer::start(&kafka, &topic)?;
    let mut sender = Sender::new(&kafka, &topic, &client, options.payload, warm + records)?;

    sender.send(warm, options.rate)?;
    reader.wait(warm)?;
    let load_average = load_average();
    let used = || [daemon.pid(), redis.pid()].map(cpu);
    let (before, began) = (used(), Instant::now());
    let lags = sender.send(records, options.rate)?;
    let (after, elapsed) = (used(), began.elapsed());
    let received = reader.wait(warm + records)?;
    let (sent, acknowledged) = sender.end()?;
    let consumed = plain.end()?;
    ensure!(
        consumed.len() == warm + records,
        "the plain consumer got {} of {} records",
        consumed.len(),
        warm + records
    );

    let stages = Stages::of(
        &sent[warm..],
        &acknowledged[warm..],
        &consumed[warm..],
        &received[warm..],
    )?;
    let share = |which: usize| percent(after[which].saturating_sub(before[which]), elapsed);
    Ok(Outcome {
        rate: options.rate,
        records,
        stages,
        late: lags.iter().filter(|lag| **lag > sender::LATE).count(),
        worst_lag_ms: lags.iter().max().map_or(0.0, |lag| lag.as_secs_f64() * 1e3),
        daemon_cpu: share(0),
        redis_cpu: share(1),
        load_average,
    })
}

fn tell(outcome: &Outcome, output: &Output) {
    let Outcome {
        rate,
        records,
        stages,
        ..
    } = outcome;
    output.line(&format!("{records} records at {rate} a second"));
    let head = ["p50 ms", "p99 ms", "p99.9 ms", "max ms"].map(|name| format!("{name:>9}"));
    output.line(&format!("{:<28}{}", "", head.concat()));
    for (name, of) in [
        ("send to acknowledgement", &stages.send_to_acknowledgement),
        ("send to a plain consumer", &stages.send_to_consumer),
        (
            "acknowledgement to socket",
            &stages.acknowledgement_to_socket,
        ),
        ("plain consumer to socket", &stages.consumer_to_socket),
        ("send to socket", &stages.send_to_socket),
    ] {
        let Quantiles {
            p50_ms,
            p99_ms,
            p999_ms,
            max_ms,
        } = of;
        let cells = [p50_ms, p99_ms, p999_ms, max_ms].map(|ms| format!("{ms:>9.2}"));
        output.line(&format!("{name:<28}{}", cells.concat()));
    }
    output.line(&format!(
        "{} events reached the client before their acknowledgement reached the producer: counted as 0",
        stages.before_acknowledgement
    ));
    output.line(&format!(
        "{} records were sent more than 1 ms after they were due, at worst {:.1} ms",
        outcome.late, outcome.worst_lag_ms
    ));
    output.line(&format!(
        "CPU time in percent of a core: the daemon {:.1}, Redis {:.1}; load average {:.1}",
        outcome.daemon_cpu, outcome.redis_cpu, outcome.load_average
    ));
}
