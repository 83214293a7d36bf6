use crate::edge::measure::Bench;
use crate::edge::options::Target;
use crate::edge::producer::Producer;
use crate::edge::report::{Report, Row};
use crate::edge::world::World;
use anyhow::{Result, ensure};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Every acknowledged transaction is on disk, so nothing may be missing after the restart, neither
/// in Redis nor at the clients.
const KEPT: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// The time-out from Redis' return until all clients have caught up.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn run(
    target: &Target,
    report: &Report,
    connections: u32,
    rate: u32,
    seconds: Duration,
    away: Duration,
) -> Result<()> {
    ensure!(
        target.url.is_empty(),
        "this measurement kills Redis and must start a separate one: omit --url"
    );
    let world = World::own(target, 1, &KEPT)?;
    let mut bench = Bench::new(&world, connections, target)?;
    let (mut memory, mut caught_up) = (vec![], Duration::ZERO);
    let outcome = bench.deliver_while(rate, |bench, producer| {
        sleep(seconds);
        memory.push(world.memory().pss);
        let redis = world.own_redis()?;
        redis.kill();
        sleep(away);
        memory.push(world.memory().pss);
        redis.start();
        caught_up = catch_up(bench, producer)?;
        sleep(seconds);
        memory.push(world.memory().pss);
        Ok(())
    })?;
    let status = bench.swarm.status()?;
    let row = Row::of("redis-restart")
        .count("connections", u64::from(connections))
        .millis("caught_up_ms", caught_up)
        .mebibytes("before_mib", memory[0])
        .mebibytes("during_mib", memory[1])
        .mebibytes("after_mib", memory[2])
        .count("ended", status.ended);
    report.tell(&outcome.tell(row));
    ensure!(
        outcome.produced.interruptions > 0,
        "the producer did not notice that Redis was away"
    );
    bench.proof.verdict()
}

/// The time from now until the clients have everything that Redis had at the start, and a new
/// event.
fn catch_up(bench: &mut Bench, producer: &Producer) -> Result<Duration> {
    let (began, had) = (Instant::now(), producer.stored());
    loop {
        // In this order: what was stored before must have arrived afterwards.
        let stored = producer.stored();
        let received = bench.swarm.status()?.received;
        if stored > had && received >= stored {
            return Ok(began.elapsed());
        }
        let (received, of) = (received, stored);
        ensure!(
            began.elapsed() < PATIENCE,
            "only {received} of {of} events arrived"
        );
        sleep(Duration::from_millis(5));
    }
}
