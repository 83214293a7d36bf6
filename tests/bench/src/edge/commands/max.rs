use crate::edge::measure::{Bench, Outcome};
use crate::edge::options::Target;
use crate::edge::report::{Report, Row};
use crate::edge::world::World;
use anyhow::Result;
use std::time::Duration;

/// The first rate of the search, in events a second.
const FIRST: u32 = 2000;

/// The factor between rates until one is too high.
const STEP: f64 = 1.6;

/// The search ends at this precision.
const CLOSE: f64 = 1.05;

pub fn run(
    target: &Target,
    report: &Report,
    connections: u32,
    p99: Duration,
    seconds: Duration,
) -> Result<()> {
    let world = World::new(target)?;
    let mut bench = Bench::new(&world, connections, target)?;
    let mut holds = |rate| -> Result<bool> {
        let outcome = bench.deliver(rate, seconds)?;
        let holds = outcome.p99() < p99 && kept_up(&outcome);
        let verdict = if holds { "holds" } else { "too high" };
        let row = Row::of("max step").count("connections", u64::from(connections));
        report.tell(&outcome.tell(row).text("verdict", verdict));
        Ok(holds)
    };
    let (mut low, mut high) = (0, FIRST);
    while holds(high)? {
        (low, high) = (high, (f64::from(high) * STEP) as u32);
    }
    while f64::from(high) > f64::from(low) * CLOSE && high > low + 1 {
        // The geometric mean, as the steps are ratios.
        let middle = (f64::from(low.max(1)) * f64::from(high)).sqrt() as u32;
        match holds(middle)? {
            true => low = middle,
            false => high = middle,
        }
    }
    let row = Row::of("max").count("connections", u64::from(connections));
    let row = row.millis("limit_ms", p99);
    report.tell(&row.count("max_rate", u64::from(low)));
    bench.proof.verdict()
}

/// Whether the rate was reached: if Redis or the producer can't keep it, the limit is theirs.
fn kept_up(outcome: &Outcome) -> bool {
    let sent = outcome.produced.events as f64 / outcome.produced.elapsed.as_secs_f64();
    sent > 0.97 * f64::from(outcome.rate)
}
