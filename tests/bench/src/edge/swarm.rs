//! The processes of clients, from the measuring process's side.

use crate::edge::clients::Tally;
use crate::edge::process::Process;
use crate::edge::protocol::{Answer, Open, Order, Status};
use crate::edge::world::World;
use anyhow::{Result, bail};
use hdrhistogram::Histogram;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Connections of one process: it may hold 20,000 descriptors.
const A_PROCESS: u32 = 15_000;

/// How long to wait without progress before giving up.
const PATIENCE: Duration = Duration::from_secs(30);

/// All clients.
pub struct Swarm {
    processes: Vec<Process>,
    /// Separates this run's clients from others'.
    pub run: String,
    pub connections: u32,
}

impl Swarm {
    /// Starts processes with this many clients in all, not connected yet.
    pub fn new(connections: u32) -> Result<Swarm> {
        let processes = connections.div_ceil(A_PROCESS);
        let run = format!(
            "{:x}-{:x}",
            std::process::id(),
            crate::clock::now() / 1_000_000
        );
        let share = |n| connections * (n + 1) / processes - connections * n / processes;
        let processes = (0..processes).map(|n| Process::start(share(n)));
        Ok(Swarm {
            processes: processes.collect::<Result<_>>()?,
            run,
            connections,
        })
    }

    /// Connects them and waits until each has its first frame. `query` is appended to the client's
    /// name.
    pub fn open(&mut self, world: &World, query: &str) -> Result<()> {
        let mut first = 0;
        for process in &mut self.processes {
            let open = Open {
                run: self.run.clone(),
                first,
                count: process.clients,
                addresses: world.edges.iter().map(|edge| edge.address).collect(),
                query: query.to_owned(),
            };
            first += process.clients;
            process.ask(&Order::Open(open))?;
        }
        self.wait_live()?;
        Ok(())
    }

    /// [`Swarm::new`] followed by [`Swarm::open`].
    pub fn connected(connections: u32, world: &World, query: &str) -> Result<Swarm> {
        let mut swarm = Swarm::new(connections)?;
        swarm.open(world, query)?;
        Ok(swarm)
    }

    pub fn pids(&self) -> impl Iterator<Item = u32> {
        self.processes.iter().map(Process::pid)
    }

    pub fn status(&mut self) -> Result<Status> {
        self.sum(|_| Order::Status)
    }

    /// Waits until all clients are connected.
    pub fn wait_live(&mut self) -> Result<Status> {
        let all = u64::from(self.connections);
        let status = self.wait_while(|status| status.live < all, |status| status.live)?;
        if status.live < all {
            bail!("{} of {all} clients are connected: {status:?}", status.live);
        }
        Ok(status)
    }

    /// Waits until this many events have arrived in all, or no more arrive.
    pub fn wait_received(&mut self, events: u64) -> Result<Status> {
        self.wait_while(|status| status.received < events, |status| status.received)
    }

    /// Waits until this many events per client have arrived, on average in each process.
    pub fn wait_received_each(&mut self, events: u64, patience: Duration) -> Result<Status> {
        let millis = u64::try_from(patience.as_millis())?;
        self.sum(|process| Order::Await {
            received: events * u64::from(process.clients),
            millis,
        })
    }

    fn wait_while(
        &mut self,
        lacking: impl Fn(&Status) -> bool,
        progress: impl Fn(&Status) -> u64,
    ) -> Result<Status> {
        let (mut had, mut since) = (0, Instant::now());
        loop {
            let status = self.status()?;
            if progress(&status) != had {
                (had, since) = (progress(&status), Instant::now());
            }
            if !lacking(&status) || since.elapsed() > PATIENCE {
                return Ok(status);
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// Cuts every connection; the clients reconnect at once.
    pub fn cut(&mut self) -> Result<Status> {
        self.sum(|_| Order::Cut)
    }

    /// Latencies since the last call, in microseconds.
    pub fn latencies(&mut self) -> Result<Histogram<u64>> {
        let mut all = Histogram::new(3)?;
        for answer in self.ask_all(|_| Order::Latencies)? {
            let Answer::Latencies(latencies) = answer else {
                bail!("a client process gave an answer to another order");
            };
            for (value, count) in latencies {
                all.record_n(value, count)?;
            }
        }
        Ok(all)
    }

    /// What each client has received since the last call, by its number.
    pub fn tallies(&mut self) -> Result<Vec<Tally>> {
        let mut all = Vec::new();
        for answer in self.ask_all(|_| Order::Tallies)? {
            let Answer::Tallies(tallies) = answer else {
                bail!("a client process gave an answer to another order");
            };
            all.extend(tallies);
        }
        Ok(all)
    }

    fn sum(&mut self, order: impl Fn(&Process) -> Order) -> Result<Status> {
        let mut sum = Status::default();
        for answer in self.ask_all(order)? {
            let Answer::Status(status) = answer else {
                bail!("a client process gave an answer to another order");
            };
            sum = sum.and(status);
        }
        Ok(sum)
    }

    /// Sends all orders first, so that the processes work in parallel.
    fn ask_all(&mut self, order: impl Fn(&Process) -> Order) -> Result<Vec<Answer>> {
        for process in &mut self.processes {
            let order = order(process);
            process.tell(&order)?;
        }
        self.processes.iter_mut().map(Process::hear).collect()
    }
}
