//! The cost of exactly-once: batches appended with the ledger's transaction, as the daemon does it,
//! against the same XADDs in a plain pipeline, alternating on one Redis. The daemon's store runs in
//! this process.

use crate::arguments::some;
use crate::cases::appends;
use crate::daemon;
use crate::results::Output;
use crate::stats::Figure;
use anyhow::Result;
use millstream::record::TopicPartition;
use millstream::store::{
    Ledger, LedgerKey, Retention, Store, StoreSettings, StoreUrl, StreamEvent, Writer,
};
use millstream_tests::{servers, unique};
use std::time::{Duration, Instant};

const BATCH: usize = 512;
const BATCHES: usize = 40;
const CLIENTS: usize = 1000;

#[derive(clap::Args)]
pub struct Options {
    /// How many rounds
    #[arg(long, default_value_t = 30, value_parser = some())]
    rounds: u32,
    #[command(flatten)]
    output: Output,
}

pub fn run(options: &Options) -> Result<()> {
    daemon::optimised()?;
    let redis = &servers().redis;
    let prefix = unique("ledger");
    let retention = Retention::default();
    let settings = StoreSettings {
        url: StoreUrl::parse(&redis.url()).unwrap(),
        tls: None,
        key_prefix: prefix.clone(),
        retention,
    };
    let store = Store::open(&settings).unwrap();
    let mut writer = store.writer();
    let ledger = LedgerKey {
        group: "g".into(),
        partition: TopicPartition {
            topic: "t".into(),
            partition: 0,
        },
    };
    let begun = writer.begin(&ledger, None, &Ledger::default(), false);
    begun.unwrap();
    let clients: Vec<String> = (0..CLIENTS).map(|n| format!("client-{n}")).collect();
    let payload = vec![b'x'; 300];
    let mut connection = redis.connect();
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    let mut next = 0;
    for _ in 0..options.rounds {
        let began = Instant::now();
        for _ in 0..BATCHES {
            append(&mut *writer, &ledger, next, &clients, &payload);
            next += BATCH as i64;
        }
        ours.push(rate(began.elapsed()));
        let began = Instant::now();
        for _ in 0..BATCHES {
            let mut pipe = redis::pipe();
            for (key, n) in chosen(&clients, next) {
                pipe.cmd("XADD")
                    .arg(format!("{prefix}:{{0}}:plain:{key}"))
                    .arg("MAXLEN")
                    .arg("~")
                    .arg(retention.max_events)
                    .arg("*");
                pipe.arg("type").arg("kind").arg("data").arg(&payload);
                pipe.arg("source").arg(format!("t/0/{n}/0")).ignore();
            }
            pipe.exec(&mut connection).unwrap();
            next += BATCH as i64;
        }
        plain.push(rate(began.elapsed()));
        // The plain XADDs did not move the ledger: set it to their end.
        let at = Ledger {
            next,
            ..Ledger::default()
        };
        let stands = writer.ledger(&ledger).unwrap().unwrap().next;
        writer.begin(&ledger, Some(stands), &at, false).unwrap();
    }
    let ratios = ours.iter().zip(&plain).map(|(ours, plain)| ours / plain);
    let ratios = ratios.collect();
    let figures = [
        Figure::of("with the ledger", "events/s", ours),
        Figure::of("plain pipeline", "events/s", plain),
        Figure::of("ledger by plain, in the same round", "times", ratios),
    ];
    options.output.figures("ledger", &figures)
}

/// Events a second.
fn rate(time: Duration) -> f64 {
    (BATCH * BATCHES) as f64 / time.as_secs_f64()
}

fn chosen(clients: &[String], from: i64) -> impl Iterator<Item = (&String, i64)> {
    (from..from + BATCH as i64).map(|n| (&clients[n as usize * 7 % clients.len()], n))
}

fn append<'a>(
    writer: &mut dyn Writer,
    ledger: &LedgerKey,
    from: i64,
    clients: &'a [String],
    payload: &'a [u8],
) {
    let event =
        |(client, offset): (&'a String, i64)| appends::event(client, "kind", payload, offset);
    let events: Vec<StreamEvent> = chosen(clients, from).map(event).collect();
    appends::append(writer, ledger, from, &events);
}
