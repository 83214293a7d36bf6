use crate::edge::options::Target;
use crate::edge::report::{Report, Row};
use crate::edge::swarm::Swarm;
use crate::edge::world::World;
use crate::proc::{load_average, percent};
use anyhow::{Result, ensure};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Time to free what was allocated while the clients connected.
const SETTLE: Duration = Duration::from_secs(3);

/// A fresh server for each number: a used one keeps memory of its earlier connections.
pub fn run(target: &Target, report: &Report, connections: &[u32], seconds: Duration) -> Result<()> {
    for connections in connections {
        let world = World::new(target)?;
        report.tell(&measure(&world, *connections, seconds)?);
    }
    Ok(())
}

fn measure(world: &World, connections: u32, seconds: Duration) -> Result<Row> {
    let known = world.edges.iter().all(|edge| edge.pid.is_some());
    ensure!(known, "unknown servers: name their processes with --pid");
    let (load, before) = (load_average(), world.memory());
    let began = Instant::now();
    let mut swarm = Swarm::connected(connections, world, "")?;
    let opened = began.elapsed();
    sleep(SETTLE);
    let (cpu, began) = (world.cpu(), Instant::now());
    sleep(seconds);
    let cpu = world.cpu().saturating_sub(cpu);
    let idle = percent(cpu, began.elapsed());
    let (after, status) = (world.memory(), swarm.status()?);
    let each =
        |before: u64, after: u64| after.saturating_sub(before) as f64 / f64::from(connections);
    let kib = |before, after| each(before, after) / 1024.0;
    Ok(Row::of("idle")
        .count("connections", u64::from(connections))
        .number("pss_kib", kib(before.pss, after.pss), 2)
        .number("rss_kib", kib(before.rss, after.rss), 2)
        .mebibytes("before_mib", before.pss)
        .mebibytes("after_mib", after.pss)
        .number("idle_cpu_%", idle, 2)
        .millis("open_ms", opened)
        .count("refused", status.refused)
        .count("ended", status.ended)
        .number("load1", load, 2))
}
