use crate::edge::swarm::Swarm;
use crate::edge::world::World;
use crate::proc;
use anyhow::Result;
use std::ops::Sub;
use std::time::{Duration, Instant};

/// CPU time up to a moment, or between two.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub edges: Duration,
    pub redis: Duration,
    pub clients: Duration,
    /// Of this process: nearly all of it is the producer's.
    pub producer: Duration,
    /// Of all processes, this one included.
    machine: Duration,
    pub elapsed: Duration,
}

impl Usage {
    /// Until now.
    pub fn now(world: &World, swarm: &Swarm, began: Instant) -> Result<Usage> {
        Ok(Usage {
            edges: world.cpu(),
            redis: proc::cpu(world.redis_pid()?),
            clients: swarm.pids().map(proc::cpu).sum(),
            producer: proc::cpu(std::process::id()),
            machine: proc::machine(),
            elapsed: began.elapsed(),
        })
    }

    /// CPU time of all other programs, in percent of one core.
    pub fn others(&self) -> f64 {
        let ours = self.edges + self.redis + self.clients + self.producer;
        proc::percent(self.machine.saturating_sub(ours), self.elapsed)
    }
}

impl Sub for Usage {
    type Output = Usage;

    fn sub(self, before: Usage) -> Usage {
        Usage {
            edges: self.edges.saturating_sub(before.edges),
            // After a restart of the server, this is meaningless.
            redis: self.redis.saturating_sub(before.redis),
            clients: self.clients.saturating_sub(before.clients),
            producer: self.producer.saturating_sub(before.producer),
            machine: self.machine.saturating_sub(before.machine),
            elapsed: self.elapsed.saturating_sub(before.elapsed),
        }
    }
}
