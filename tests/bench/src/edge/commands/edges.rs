use super::deliver::at_rates;
use crate::edge::options::Target;
use crate::edge::report::Report;
use crate::edge::world::World;
use anyhow::{Result, ensure};
use std::time::Duration;

/// Neighbouring clients are at different daemons, so each daemon gets doorbell messages for the
/// others' clients.
pub fn run(
    target: &Target,
    report: &Report,
    connections: u32,
    edges: usize,
    rates: &[u32],
    seconds: Duration,
) -> Result<()> {
    ensure!(edges > 0, "invalid number of daemons: expected at least 1");
    let world = match target.url.is_empty() {
        true => World::own(target, edges, &[])?,
        false => World::new(target)?,
    };
    let what = format!("{} edges", world.edges.len());
    at_rates(&what, &world, target, report, connections, rates, seconds)
}
