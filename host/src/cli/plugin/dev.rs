//! `plugin dev`: a plugin that is built, tested and live after each save.

use crate::cli::listen_address;
use crate::dev;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Args)]
pub(in crate::cli) struct DevArguments {
    /// The project's folder.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The configuration of a daemon that runs here and uses dist/NAME.wasm. Without it, a daemon
    /// is started in this process, with a mock Kafka and a store in memory; the fixtures' records
    /// are its traffic.
    #[arg(long, value_name = "CONFIG")]
    into: Option<PathBuf>,
    /// Opens a playground at this address [default: 127.0.0.1:8090].
    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:8090",
        value_parser = listen_address
    )]
    page: Option<SocketAddr>,
    /// The address for browsers of the daemon in this process.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:0",
        value_parser = listen_address,
        conflicts_with = "into"
    )]
    listen: SocketAddr,
    /// Records per second of that daemon.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
}

pub(super) fn run(arguments: &DevArguments) -> anyhow::Result<()> {
    dev::dev(&dev::Options {
        folder: arguments.folder.clone(),
        into: arguments.into.clone(),
        listen: arguments.listen,
        rate: arguments.rate,
        page: arguments.page,
    })
}
