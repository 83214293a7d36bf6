use crate::clock::{between, now};
use crate::edge::options::Target;
use crate::edge::report::{Report, Row};
use crate::edge::swarm::Swarm;
use crate::edge::transaction::Writer;
use crate::edge::usage::Usage;
use crate::edge::world::World;
use crate::proc::load_average;
use anyhow::{Context as _, Result, ensure};
use std::time::{Duration, Instant};

const GROUP: &str = "everyone";

/// The time-out of the first event: a server without groups never delivers it.
const FIRST: Duration = Duration::from_secs(10);

const PATIENCE: Duration = Duration::from_secs(120);

pub fn run(target: &Target, report: &Report, connections: u32, events: u32) -> Result<()> {
    let world = World::new(target)?;
    let mut fanout = Fanout {
        swarm: Swarm::connected(connections, &world, &format!("&groups={GROUP}"))?,
        writer: Writer::new(&world, "fanout", target.payload)?,
        world: &world,
        sent: 0,
    };
    let first = fanout.send(1, FIRST);
    first.context("no group event arrived: does this server support groups?")?;
    report.tell(&fanout.measure("one by one", events, 1)?);
    report.tell(&fanout.measure("burst", events, events)?);
    let each = fanout.swarm.tallies()?;
    let wrong = each
        .iter()
        .filter(|tally| tally.count != fanout.sent)
        .count();
    ensure!(
        wrong == 0,
        "{wrong} clients did not receive each event once"
    );
    Ok(())
}

struct Fanout<'a> {
    world: &'a World,
    swarm: Swarm,
    writer: Writer,
    /// Events so far.
    sent: u64,
}

impl Fanout<'_> {
    /// `events` in all; after each `at_once` of them the writer waits until every client has them.
    fn measure(&mut self, what: &str, events: u32, at_once: u32) -> Result<Row> {
        self.swarm.latencies()?;
        let (load, began) = (load_average(), Instant::now());
        let before = Usage::now(self.world, &self.swarm, began)?;
        let mut time = Duration::ZERO;
        for _ in (0..events).step_by(at_once.max(1) as usize) {
            time += self.send(at_once, PATIENCE)?;
        }
        let usage = Usage::now(self.world, &self.swarm, began)? - before;
        let deliveries = f64::from(events) * f64::from(self.swarm.connections);
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / deliveries;
        Ok(Row::of(&format!("fanout, {what}"))
            .count("connections", u64::from(self.swarm.connections))
            .count("events", u64::from(events))
            .number("deliv/s", deliveries / time.as_secs_f64(), 0)
            .number("event_ms", time.as_secs_f64() * 1e3 / f64::from(events), 1)
            .latencies(&self.swarm.latencies()?)
            .number("edge_us", each(usage.edges), 2)
            .number("clients_us", each(usage.clients), 2)
            .number("load1", load, 2)
            .number("others_%", usage.others(), 0))
    }

    /// The time from the first event's XADD until the last client has the last one.
    fn send(&mut self, events: u32, patience: Duration) -> Result<Duration> {
        let began = now();
        for _ in 0..events {
            self.writer.append_to_group(GROUP, self.sent)?;
            self.sent += 1;
        }
        let status = self.swarm.wait_received_each(self.sent, patience)?;
        let due = self.sent * u64::from(self.swarm.connections);
        ensure!(
            status.received == due,
            "after {} events of the group `{GROUP}`, its clients received {} events in all instead \
             of {due} within {patience:?}",
            self.sent,
            status.received
        );
        Ok(between(began, status.last_event_at))
    }
}
