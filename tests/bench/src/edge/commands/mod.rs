//! The measurements, one file each.

mod browser;
mod deliver;
mod edges;
mod fanout;
mod idle;
mod max;
mod reconnect;
mod redis_restart;
mod tasks;

use crate::edge::options::{Command, Options};
use crate::edge::report::Report;
use anyhow::Result;

/// Runs the measurements that the options select; an error if an event was lost or could not be
/// measured.
pub fn run(options: &Options, report: &Report) -> Result<()> {
    let target = &options.target;
    match &options.command {
        Command::Idle {
            connections,
            seconds,
        } => idle::run(target, report, connections, *seconds),
        Command::Deliver {
            connections,
            rates,
            seconds,
        } => deliver::run(target, report, *connections, rates, *seconds),
        Command::Max {
            connections,
            p99,
            seconds,
        } => max::run(target, report, *connections, *p99, *seconds),
        Command::Fanout {
            connections,
            events,
        } => fanout::run(target, report, *connections, *events),
        Command::Edges {
            connections,
            edges,
            rates,
            seconds,
        } => edges::run(target, report, *connections, *edges, rates, *seconds),
        Command::RedisRestart {
            connections,
            rate,
            seconds,
            away,
        } => redis_restart::run(target, report, *connections, *rate, *seconds, *away),
        Command::Reconnect {
            connections,
            rate,
            seconds,
        } => reconnect::run(target, report, *connections, *rate, *seconds),
        Command::Browser { rate, seconds } => browser::run(target, report, *rate, *seconds),
        Command::Tasks { rate, seconds } => tasks::run(target, report, *rate, *seconds),
        Command::Client => Ok(()), // has its own `run`
    }
}
