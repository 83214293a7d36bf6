//! The SSE edge under load: how much memory a connection takes, how fast and how reliably events
//! reach their clients, and what happens when all clients reconnect at once.
//!
//! It starts a redis-server and daemons, writes to Redis as the daemon's ingest does, and
//! reads with child processes ([`client`]), since one process may hold 20,000 descriptors.
//! `--url`, `--redis` and `--pid` measure a server that runs already.
//!
//! What the figures mean:
//! - A latency goes from just before a batch is sent to Redis to just after the read that brought
//!   the event to the client's process, by one monotonic clock. It includes the write to Redis, the
//!   doorbell, the edge's reading and writing, and the client's wait for its turn.
//! - `edge_us`, `redis_us`, `clients_us`, `producer_us`: CPU time of these processes a delivery.
//!   As long as `clients_us` is well below `edge_us`, the tool is not what is measured.
//! - `lag_ms`: how far the producer fell behind its rate at worst. If it is more than a few
//!   milliseconds, the rate was uneven, and the latencies look too good.
//! - `load1` and `others_%` show how noisy the machine was: the load average at the start, and
//!   the CPU time of all other programs, in percent of one core.
//! - `lost`: clients whose events were not exactly the entries of their stream, in order, once each
//!   (nothing is trimmed: `MAXLEN` is far away). More than 0 ends the tool with exit code 1.

pub mod client;
pub mod clients;
mod commands;
mod daemons;
mod measure;
mod options;
mod process;
mod producer;
mod proof;
mod protocol;
mod report;
mod swarm;
mod transaction;
mod usage;
mod world;

pub use options::Options;

use crate::proc;
use anyhow::Result;
use options::Command;
use report::Report;

/// Runs a measurement, or one of its processes of clients.
pub fn run(options: &Options) -> Result<()> {
    if matches!(options.command, Command::Client) {
        client::run();
        return Ok(());
    }
    proc::raise_descriptors();
    let report = Report::new(&options.target.output);
    let done = commands::run(options, &report);
    report.keep("edge")?;
    done
}
