//! Writes events to Redis as the daemon's ingest does: one transaction per batch, with the doorbell
//! last. (Only the ledger is missing: there are no records.)

use crate::clock::now;
use crate::edge::clients::{self, payload};
use crate::edge::world::World;
use anyhow::Result;
use redis::{Connection, Pipeline, RedisResult};
use std::thread::sleep;
use std::time::Duration;

/// Far away, so that nothing is trimmed; otherwise the streams could not prove what should have
/// arrived.
const MAX_EVENTS: u64 = 1_000_000;

/// How long Redis may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Writer {
    url: String,
    connection: Connection,
    prefix: String,
    run: String,
    payload: usize,
}

impl Writer {
    /// Writes to the streams of this run's clients; payloads have this size.
    pub fn new(world: &World, run: &str, payload: usize) -> Result<Writer> {
        Ok(Writer {
            connection: connect(&world.redis_url())?,
            url: world.redis_url(),
            prefix: world.prefix.clone(),
            run: run.to_owned(),
            payload,
        })
    }

    /// One batch: an event for each of these; the first one is number `first`.
    pub fn append(&mut self, clients: &[u32], first: u64) -> RedisResult<()> {
        let payload = payload(now(), self.payload);
        let mut pipe = redis::pipe();
        pipe.atomic();
        for (client, n) in clients.iter().zip(first..) {
            let stream = clients::stream(&self.prefix, &self.run, *client);
            self.add(&mut pipe, &stream, n, &payload);
        }
        let mut clients = clients.to_vec();
        clients.sort_unstable();
        clients.dedup();
        let names: Vec<String> = clients
            .iter()
            .map(|client| clients::name(&self.run, *client))
            .collect();
        self.ring(&mut pipe, names.join("\n").as_bytes());
        pipe.exec(&mut self.connection)
    }

    /// One event for every member of the group.
    pub fn append_to_group(&mut self, group: &str, n: u64) -> RedisResult<()> {
        let payload = payload(now(), self.payload);
        let mut pipe = redis::pipe();
        pipe.atomic();
        let stream = format!("{}:{{0}}:group:{group}", self.prefix);
        self.add(&mut pipe, &stream, n, &payload);
        // No client's name starts with a control character.
        self.ring(&mut pipe, format!("\x01{group}").as_bytes());
        pipe.exec(&mut self.connection)
    }

    /// Waits for Redis after a lost answer, and checks whether the batch that ended with event `n`
    /// for this client was stored.
    pub fn recover(&mut self, client: u32, n: u64) -> bool {
        loop {
            if let Ok(stored) = self.try_recover(client, n) {
                return stored;
            }
            sleep(Duration::from_millis(5));
        }
    }

    fn try_recover(&mut self, client: u32, n: u64) -> Result<bool> {
        self.connection = connect(&self.url)?;
        let stream = clients::stream(&self.prefix, &self.run, client);
        let mut ask = redis::cmd("XREVRANGE");
        ask.arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
        let last: Vec<(String, Vec<String>)> = ask.query(&mut self.connection)?;
        let source = source(n);
        Ok(last
            .first()
            .is_some_and(|(_, fields)| fields.contains(&source)))
    }

    fn add(&self, pipe: &mut Pipeline, stream: &str, n: u64, payload: &[u8]) {
        pipe.cmd("XADD").arg(stream);
        pipe.arg("MAXLEN").arg("~").arg(MAX_EVENTS).arg("*");
        pipe.arg("type").arg("load").arg("data").arg(payload);
        pipe.arg("source").arg(source(n)).ignore();
    }

    fn ring(&self, pipe: &mut Pipeline, names: &[u8]) {
        pipe.cmd("PUBLISH")
            .arg(format!("{}:{{0}}:bell", self.prefix));
        pipe.arg(names).ignore();
        // As the daemon does, for edges that poll.
        pipe.cmd("XADD").arg(format!("{}:{{0}}:news", self.prefix));
        pipe.arg("NOMKSTREAM").arg("MAXLEN").arg("~").arg(1000);
        pipe.arg("*").arg("type").arg("rung").arg("data");
        pipe.arg(names).ignore();
    }
}

fn source(n: u64) -> String {
    format!("load/0/{n}/0")
}

fn connect(url: &str) -> Result<Connection> {
    let connection = redis::Client::open(url)?.get_connection_with_timeout(PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    Ok(connection)
}
