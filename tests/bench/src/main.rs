//! Millstream measured on real servers, beside a yardstick where there is one.
//!
//! ```sh
//! cargo run --release -p millstream-bench -- road
//! ```
//!
//! Everything that is compared is measured in one run, in turn, since machines are noisy: only
//! ratios mean something elsewhere. A time is believed only when every record has arrived.
#![allow(
    clippy::disallowed_methods,
    reason = "a measurement uses the wall clock"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that can't go on fails, and says where"
)]

mod arguments;
mod beside;
mod cases;
mod clock;
mod daemon;
mod edge;
mod instructions;
mod latency;
mod ledger;
mod machine;
mod proc;
mod restart;
mod results;
mod road;
mod stats;
mod swap;

use clap::{Parser, Subcommand};

/// The system's allocator, but for `count-cases`.
#[global_allocator]
static ALLOCATOR: instructions::Aligned = instructions::Aligned;

/// Measures Millstream on a real Kafka and Redis, which it starts.
#[derive(Parser)]
#[command(name = "millstream-bench", disable_version_flag = true)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Records from Kafka to Redis, beside a hand-written loop
    Road(road::Options),
    /// The SSE edge under load: memory, latency, throughput, and that nothing is lost
    Edge(edge::Options),
    /// From a producer through Kafka and the daemon to one client's socket, stage by stage
    Latency(latency::Options),
    /// From SIGKILL to the first new event after a restart, and from SIGTERM to the exit
    Restart(restart::Options),
    /// From saving a plugin's file to its first event in a browser's stream
    Swap(swap::Options),
    /// Batches with the ledger's transaction beside the same XADDs in a plain pipeline
    Ledger(ledger::Options),
    /// Instructions of the hot paths, beside a committed baseline
    Instructions(instructions::Options),
    /// The cases of `instructions`, in Valgrind
    #[command(hide = true)]
    CountCases(instructions::CountOptions),
    /// Compiles a plugin
    #[command(hide = true)]
    CompilePlugin,
    /// Parses a schema
    #[command(hide = true)]
    ParseSchema,
    /// The hand-written loop, as a process of its own
    #[command(hide = true)]
    Yardstick(road::yardstick::Options),
}

fn main() -> anyhow::Result<()> {
    match Options::parse().command {
        Command::Road(options) => road::run(&options),
        Command::Edge(options) => edge::run(&options),
        Command::Latency(options) => latency::run(&options),
        Command::Restart(options) => restart::run(&options),
        Command::Swap(options) => swap::run(&options),
        Command::Ledger(options) => ledger::run(&options),
        Command::Instructions(options) => instructions::run(&options),
        Command::CountCases(options) => instructions::count(&options),
        Command::CompilePlugin => instructions::compile_plugin(),
        Command::ParseSchema => millstream::schema::child(),
        Command::Yardstick(options) => road::yardstick::run(&options),
    }
}
