//! One measurement of deliveries, the building block of several commands.

use crate::clock::{between, now};
use crate::edge::options::Target;
use crate::edge::producer::{Produced, Producer};
use crate::edge::proof::Proof;
use crate::edge::report::Row;
use crate::edge::swarm::Swarm;
use crate::edge::transaction::Writer;
use crate::edge::usage::Usage;
use crate::edge::world::World;
use crate::proc::load_average;
use anyhow::Result;
use hdrhistogram::Histogram;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The time for duplicates to arrive before the comparison.
const SETTLE: Duration = Duration::from_millis(300);

/// Connected clients, and what was proved about them.
pub struct Bench<'a> {
    pub world: &'a World,
    pub swarm: Swarm,
    pub proof: Proof,
    payload: usize,
}

/// The results of a measurement.
pub struct Outcome {
    pub rate: u32,
    pub produced: Produced,
    pub received: u64,
    /// From the start to the last event that arrived.
    pub received_in: Duration,
    pub latencies: Histogram<u64>,
    pub usage: Usage,
    pub load: f64,
    pub gaps: u64,
    pub lost: u64,
}

impl<'a> Bench<'a> {
    pub fn new(world: &'a World, connections: u32, target: &Target) -> Result<Bench<'a>> {
        let swarm = Swarm::connected(connections, world, "")?;
        let proof = Proof::new(&swarm);
        Ok(Bench {
            world,
            swarm,
            proof,
            payload: target.payload,
        })
    }

    /// Starts to produce events for all clients.
    pub fn produce(&self, rate: u32) -> Result<Producer> {
        let writer = Writer::new(self.world, &self.swarm.run, self.payload)?;
        Ok(Producer::start(writer, self.swarm.connections, rate))
    }

    /// Produces events for this long, waits for all of them, and compares.
    pub fn deliver(&mut self, rate: u32, time: Duration) -> Result<Outcome> {
        self.deliver_while(rate, |_, _| {
            sleep(time);
            Ok(())
        })
    }

    /// Like [`Bench::deliver`], for as long as `meanwhile` takes.
    pub fn deliver_while(
        &mut self,
        rate: u32,
        meanwhile: impl FnOnce(&mut Bench<'a>, &Producer) -> Result<()>,
    ) -> Result<Outcome> {
        self.swarm.latencies()?; // discards earlier ones
        let before = self.swarm.status()?;
        let (load, began, began_at) = (load_average(), Instant::now(), now());
        let usage = Usage::now(self.world, &self.swarm, began)?;
        let producer = self.produce(rate)?;
        let done = meanwhile(self, &producer);
        let produced = producer.stop();
        done?;
        let status = self
            .swarm
            .wait_received(before.received + produced.events)?;
        let usage = Usage::now(self.world, &self.swarm, began)? - usage;
        sleep(SETTLE);
        let latencies = self.swarm.latencies()?;
        let lost = self.proof.check(self.world, &mut self.swarm)?;
        Ok(Outcome {
            rate,
            produced,
            received: status.received - before.received,
            received_in: between(began_at, status.last_event_at),
            latencies,
            usage,
            load,
            gaps: status.gaps - before.gaps,
            lost,
        })
    }
}

impl Outcome {
    pub fn p99(&self) -> Duration {
        Duration::from_micros(self.latencies.value_at_quantile(0.99))
    }

    /// Adds the results to a row that names the measurement.
    pub fn tell(&self, row: Row) -> Row {
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / self.received.max(1) as f64;
        let a_second = |events: u64, time: Duration| events as f64 / time.as_secs_f64();
        let Usage {
            edges,
            redis,
            clients,
            producer,
            ..
        } = self.usage;
        row.count("rate", u64::from(self.rate))
            .number(
                "sent/s",
                a_second(self.produced.events, self.produced.elapsed),
                0,
            )
            .number("recv/s", a_second(self.received, self.received_in), 0)
            .latencies(&self.latencies)
            .number("edge_us", each(edges), 1)
            .number("redis_us", each(redis), 1)
            .number("clients_us", each(clients), 1)
            .number("producer_us", each(producer), 1)
            .millis("lag_ms", self.produced.lag)
            .count("gaps", self.gaps)
            .count("lost", self.lost)
            .number("load1", self.load, 2)
            .number("others_%", self.usage.others(), 0)
    }
}
