use crate::edge::measure::Bench;
use crate::edge::options::Target;
use crate::edge::report::{Report, Row};
use crate::edge::world::World;
use anyhow::Result;
use std::time::Duration;

pub fn run(
    target: &Target,
    report: &Report,
    connections: u32,
    rates: &[u32],
    seconds: Duration,
) -> Result<()> {
    let world = World::new(target)?;
    at_rates(
        "deliver",
        &world,
        target,
        report,
        connections,
        rates,
        seconds,
    )
}

/// One measurement for each rate, with the same connections.
pub fn at_rates(
    what: &str,
    world: &World,
    target: &Target,
    report: &Report,
    connections: u32,
    rates: &[u32],
    seconds: Duration,
) -> Result<()> {
    let mut bench = Bench::new(world, connections, target)?;
    for rate in rates {
        let outcome = bench.deliver(*rate, seconds)?;
        let row = Row::of(what).count("connections", u64::from(connections));
        report.tell(&outcome.tell(row));
    }
    bench.proof.verdict()
}
