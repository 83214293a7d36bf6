//! The proof that nothing was lost, duplicated or reordered: compares each client's received IDs
//! with the entries of its stream.

use crate::edge::clients::{self, Tally};
use crate::edge::swarm::Swarm;
use crate::edge::world::World;
use anyhow::{Result, anyhow};
use redis::Value;

/// Streams per round trip.
const STREAMS: u32 = 200;

/// How many losses are printed one by one.
const TOLD: usize = 10;

/// The state of the comparison.
pub struct Proof {
    /// The last compared ID of each client's stream.
    until: Vec<String>,
    /// Clients that did not get exactly their streams.
    pub lost: u64,
}

impl Proof {
    /// For connected clients without events.
    pub fn new(swarm: &Swarm) -> Proof {
        Proof {
            until: vec!["0-0".to_owned(); swarm.connections as usize],
            lost: 0,
        }
    }

    /// Compares what has arrived since the last time; nothing may be in flight. Returns how many
    /// clients have the wrong events, and prints which.
    pub fn check(&mut self, world: &World, swarm: &mut Swarm) -> Result<u64> {
        let received = swarm.tallies()?;
        let stored = self.stored(world, swarm)?;
        let clients = received.iter().zip(&stored).zip(0..);
        let wrong: Vec<_> = clients
            .filter(|((received, stored), _)| received != stored)
            .collect();
        for ((received, stored), n) in wrong.iter().take(TOLD) {
            let name = clients::name(&swarm.run, *n);
            match received.count == stored.count {
                true => eprintln!(
                    "LOSS: {name}: {} events, but different ones or in another order",
                    stored.count
                ),
                false => eprintln!(
                    "LOSS: {name}: received {} events of {}",
                    received.count, stored.count
                ),
            }
        }
        let lost = wrong.len() as u64;
        self.lost += lost;
        Ok(lost)
    }

    /// An error if any client ever lost events.
    pub fn verdict(&self) -> Result<()> {
        match self.lost {
            0 => Ok(()),
            lost => Err(anyhow!(
                "{lost} clients did not receive exactly their streams, see above"
            )),
        }
    }

    /// The entries of the streams after those compared before.
    fn stored(&mut self, world: &World, swarm: &Swarm) -> Result<Vec<Tally>> {
        let mut connection = world.connect()?;
        let mut tallies = Vec::new();
        for first in (0..swarm.connections).step_by(STREAMS as usize) {
            let mut pipe = redis::pipe();
            for n in first..swarm.connections.min(first + STREAMS) {
                let from = format!("({}", self.until[n as usize]);
                let stream = clients::stream(&world.prefix, &swarm.run, n);
                pipe.cmd("XRANGE").arg(stream).arg(from).arg("+");
            }
            let pages: Vec<Vec<Value>> = pipe.query(&mut connection)?;
            for page in pages {
                let until = &mut self.until[tallies.len()];
                tallies.push(tally(&page, until)?);
            }
        }
        Ok(tallies)
    }
}

fn tally(page: &[Value], until: &mut String) -> Result<Tally> {
    let mut tally = Tally::default();
    for entry in page {
        let id = match entry {
            Value::Array(parts) => match parts.first() {
                Some(Value::BulkString(id)) => id,
                _ => return Err(anyhow!("not an entry: {entry:?}")),
            },
            _ => return Err(anyhow!("not an entry: {entry:?}")),
        };
        tally.add(id);
        *until = String::from_utf8(id.clone())?;
    }
    Ok(tally)
}
