//! The table, the results and the one line of JSON.

use super::measure::Figures;
use super::workload::{Spread as Clients, Workload};
use crate::results::Output;
use crate::stats::Spread;
use serde::Serialize;
use serde_json::{Value, json};

/// A contender's figures over all rounds. Ratios are to the first contender, the yardstick, in the
/// same round: above 1 is better than it.
#[derive(Serialize)]
pub struct Row {
    pub name: String,
    clients: usize,
    spread: String,
    records: usize,
    rounds: Vec<Figures>,
    pub records_per_second: Spread,
    pub cpu_us: Spread,
    pub redis_cpu_us: Spread,
    kafka_cpu_us: Spread,
    peak_mib: Spread,
    /// Its records per second by the yardstick's.
    pub rate_ratio: Spread,
    /// The yardstick's CPU time per record by its own.
    pub cpu_ratio: Spread,
    /// The same for the CPU time of Redis.
    pub redis_cpu_ratio: Spread,
}

pub fn rows<'a>(
    work: &Workload,
    spread: Clients,
    names: impl Iterator<Item = &'a str>,
    figures: &[Vec<Figures>],
) -> Vec<Row> {
    let yardstick = &figures[0];
    let row = |(name, rounds): (&str, &Vec<Figures>)| {
        let of = |figure: fn(&Figures) -> f64| Spread::of(rounds.iter().map(figure));
        let ratio = |by: fn(&Figures, &Figures) -> f64| {
            let pairs = rounds.iter().zip(yardstick);
            Spread::of(pairs.map(|(own, yardstick)| by(own, yardstick)))
        };
        Row {
            name: name.to_owned(),
            clients: work.clients,
            spread: format!("{spread:?}").to_lowercase(),
            records: work.records(),
            rounds: rounds.clone(),
            records_per_second: of(|f| f.records_per_second),
            cpu_us: of(|f| f.cpu_us),
            redis_cpu_us: of(|f| f.redis_cpu_us),
            kafka_cpu_us: of(|f| f.kafka_cpu_us),
            peak_mib: of(|f| f.peak_mib),
            rate_ratio: ratio(|own, of| own.records_per_second / of.records_per_second),
            cpu_ratio: ratio(|own, of| of.cpu_us / own.cpu_us),
            redis_cpu_ratio: ratio(|own, of| of.redis_cpu_us / own.redis_cpu_us),
        }
    };
    names.zip(figures).map(row).collect()
}

/// Prints one table.
pub fn print(rows: &[Row], output: &Output) {
    if let Some(row) = rows.first() {
        let (rounds, records) = (row.rounds.len(), row.records);
        output.line(&format!(
            "{records} records, {} clients, {}; medians of {rounds} rounds, least and most; \
             ratios to `{}`, above 1 is better",
            row.clients, row.spread, row.name
        ));
        output.line(&format!(
            "{:<14} {:>27} {:>20} {:>20} {:>9}  {:>20} {:>20} {:>20}",
            "", "records/s", "CPU us", "CPU us of Redis", "peak MiB", "rate", "CPU", "CPU of Redis"
        ));
    }
    for row in rows {
        output.line(&format!(
            "{:<14} {:>27} {:>20} {:>20} {:>9.0}  {:>20} {:>20} {:>20}",
            row.name,
            row.records_per_second.shown(0),
            row.cpu_us.shown(2),
            row.redis_cpu_us.shown(2),
            row.peak_mib.max,
            row.rate_ratio.shown(2),
            row.cpu_ratio.shown(2),
            row.redis_cpu_ratio.shown(2),
        ));
    }
}

/// The ratios in the first table: of Millstream, or of what is compared without a loop.
pub fn summary(rows: &[Row]) -> Value {
    let find = |name: &str| rows.iter().find(|row| row.name == name);
    let own = find("millstream").or_else(|| rows.get(1));
    let (Some(own), Some(yardstick)) = (own, rows.first()) else {
        return Value::Null;
    };
    let figures = |row: &Row| {
        json!({
            "records_per_second": row.records_per_second.median.round(),
            "cpu_us": row.cpu_us.median,
            "redis_cpu_us": row.redis_cpu_us.median,
        })
    };
    json!({
        "rate_ratio": own.rate_ratio.median,
        "cpu_ratio": own.cpu_ratio.median,
        "redis_cpu_ratio": own.redis_cpu_ratio.median,
        "peak_mib": own.peak_mib.max,
        "millstream": figures(own),
        "yardstick": figures(yardstick),
    })
}
