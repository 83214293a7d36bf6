//! The load tool for the SSE edge: how much memory a connection takes, how fast and how reliably
//! events reach their clients, and what happens when all clients reconnect at once.
//!
//! ```sh
//! cargo build --release --workspace --bin millstream
//! cargo bench --workspace --features millstream-tests/bench --bench load -- idle
//! cargo bench --workspace --features millstream-tests/bench --bench load -- deliver --rates 1000,20000
//! ```
//!
//! (`-- --help` lists the measurements. With `--profile dev` it measures `target/debug/millstream`,
//! whose code is not optimised: good for working on the tool, wrong for figures.)
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
#![allow(
    clippy::disallowed_methods,
    reason = "the clock of a test is the wall clock"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that can't go on fails, and says where"
)]

mod client;
mod clients;
mod clock;
mod commands;
mod edge;
mod measure;
mod options;
mod proc;
mod process;
mod producer;
mod proof;
mod protocol;
mod report;
mod swarm;
mod transaction;
mod usage;
mod world;

use clap::Parser;
use options::{Command, Options};
use report::Report;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if matches!(options.command, Command::Client) {
        client::run();
        return Ok(());
    }
    client::check();
    proc::raise_descriptors();
    let report = Report::new(options.target.json);
    commands::run(&options, &report)
}
