use crate::clock::between;
use crate::edge::measure::Bench;
use crate::edge::options::Target;
use crate::edge::protocol::Status;
use crate::edge::report::{Report, Row};
use crate::edge::world::World;
use anyhow::Result;
use std::thread::sleep;
use std::time::Duration;

pub fn run(
    target: &Target,
    report: &Report,
    connections: u32,
    rate: u32,
    seconds: Duration,
) -> Result<()> {
    let world = World::new(target)?;
    let mut bench = Bench::new(&world, connections, target)?;
    let (mut cut, mut live) = (Status::default(), Status::default());
    let outcome = bench.deliver_while(rate, |bench, _| {
        sleep(seconds);
        cut = bench.swarm.cut()?;
        live = bench.swarm.wait_live()?;
        sleep(seconds);
        Ok(())
    })?;
    let all_live = between(cut.last_cut_at, live.last_live_at);
    // The first connection of each client is not a reconnect.
    let again = (live.retries - cut.retries).saturating_sub(u64::from(connections));
    let row = Row::of("reconnect")
        .count("connections", u64::from(connections))
        .millis("all_live_ms", all_live)
        .count("refused", live.refused - cut.refused)
        .count("rejected", live.rejected - cut.rejected)
        .count("ended", live.ended - cut.ended)
        .count("retries", again);
    report.tell(&outcome.tell(row));
    if let Some(trouble) = live.trouble {
        eprintln!("the last connection that failed: {trouble}");
    }
    bench.proof.verdict()
}
