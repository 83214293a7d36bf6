//! The command line of `edge`.

use crate::arguments::{seconds, some};
use crate::daemon::Subject;
use crate::results::Output;
use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub target: Target,
}

/// What is measured, and where the results go.
#[derive(Args)]
pub struct Target {
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub subject: Subject,
    /// Measure the servers that already listen here (`http://127.0.0.1:8080`) and start none;
    /// several with commas
    #[arg(long, global = true, value_name = "URL", value_delimiter = ',', requires = "redis", value_parser = address)]
    pub url: Vec<SocketAddr>,
    /// The Redis behind --url
    #[arg(long, global = true, value_name = "URL", requires = "url")]
    pub redis: Option<String>,
    /// The key prefix of the server at --url
    #[arg(long, global = true, default_value = "millstream")]
    pub prefix: String,
    /// The process ids of the servers at --url, for their memory and CPU time
    #[arg(long, global = true, value_delimiter = ',', requires = "url")]
    pub pid: Vec<u32>,
    /// The edges' Redis user has no channels: they poll for news
    #[arg(long, global = true, conflicts_with = "url")]
    pub polled: bool,
    /// Bytes of an event's payload
    #[arg(long, global = true, default_value_t = 100)]
    pub payload: usize,
}

#[derive(Subcommand)]
pub enum Command {
    /// Memory per connection, and the CPU time of idle connections
    Idle {
        /// How many connections; a fresh daemon for each number
        #[arg(long, value_delimiter = ',', default_value = "10000,19000", value_parser = some())]
        connections: Vec<u32>,
        /// How long to watch
        #[arg(long, default_value = "20", value_parser = seconds)]
        seconds: Duration,
    },
    /// Latency and CPU time at given rates, each event to one random client
    Deliver {
        /// How many clients
        #[arg(long, default_value_t = 10_000, value_parser = some())]
        connections: u32,
        /// Events a second, one measurement each
        #[arg(long, value_delimiter = ',', default_value = "1000,5000,20000,40000", value_parser = some())]
        rates: Vec<u32>,
        /// How long to produce events at each rate
        #[arg(long, default_value = "15", value_parser = seconds)]
        seconds: Duration,
    },
    /// Find the highest rate whose p99 stays below a limit
    Max {
        /// How many clients
        #[arg(long, default_value_t = 10_000, value_parser = some())]
        connections: u32,
        /// The limit: `50ms`, `1s`
        #[arg(long, default_value = "50ms", value_parser = span)]
        p99: Duration,
        /// How long each step lasts
        #[arg(long, default_value = "8", value_parser = seconds)]
        seconds: Duration,
    },
    /// One event of a group to every connection
    Fanout {
        /// How many clients
        #[arg(long, default_value_t = 10_000, value_parser = some())]
        connections: u32,
        /// How many events, one by one and then all at once
        #[arg(long, default_value_t = 100, value_parser = some())]
        events: u32,
    },
    /// `deliver` with several daemons on one Redis
    Edges {
        /// How many clients in all
        #[arg(long, default_value_t = 30_000, value_parser = some())]
        connections: u32,
        /// How many daemons
        #[arg(long, default_value_t = 2)]
        edges: usize,
        /// Events a second, one measurement each
        #[arg(long, value_delimiter = ',', default_value = "5000,20000", value_parser = some())]
        rates: Vec<u32>,
        /// How long to produce events at each rate
        #[arg(long, default_value = "15", value_parser = seconds)]
        seconds: Duration,
    },
    /// Redis is killed under load and restarted with its data
    RedisRestart {
        /// How many clients
        #[arg(long, default_value_t = 10_000, value_parser = some())]
        connections: u32,
        /// Events a second
        #[arg(long, default_value_t = 2000, value_parser = some())]
        rate: u32,
        /// How long to produce events before and after
        #[arg(long, default_value = "8", value_parser = seconds)]
        seconds: Duration,
        /// How long Redis is away
        #[arg(long, default_value = "3", value_parser = seconds)]
        away: Duration,
    },
    /// All clients are disconnected and reconnect at once
    Reconnect {
        /// How many clients
        #[arg(long, default_value_t = 10_000, value_parser = some())]
        connections: u32,
        /// Events a second
        #[arg(long, default_value_t = 1000, value_parser = some())]
        rate: u32,
        /// How long to produce events before and after
        #[arg(long, default_value = "5", value_parser = seconds)]
        seconds: Duration,
    },
    /// From Kafka to the handler of a page in a real browser
    Browser {
        /// Records a second
        #[arg(long, default_value_t = 200, value_parser = some())]
        rate: u32,
        /// How long to produce records
        #[arg(long, default_value = "30", value_parser = seconds)]
        seconds: Duration,
    },
    /// POST to the task gateway: from each request's due time to its response
    Tasks {
        /// Tasks a second
        #[arg(long, default_value_t = 500, value_parser = some())]
        rate: u32,
        /// How long to send tasks
        #[arg(long, default_value = "30", value_parser = seconds)]
        seconds: Duration,
    },
    /// One process of clients; orders and answers are lines of JSON
    #[command(hide = true)]
    Client,
}

/// `50ms` or `1s`.
fn span(text: &str) -> Result<Duration, String> {
    match text.strip_suffix("ms") {
        Some(millis) => Ok(seconds(millis)? / 1000),
        None => seconds(text.trim_end_matches('s')),
    }
}

fn address(url: &str) -> Result<SocketAddr, String> {
    use std::net::ToSocketAddrs;
    let host = url.strip_prefix("http://").ok_or("http://host:port")?;
    let mut found = host.trim_end_matches('/').to_socket_addrs();
    let found = found.as_mut().map_err(|e| e.to_string())?;
    // Source addresses are chosen for IPv4 only.
    let found = found.find(SocketAddr::is_ipv4);
    found.ok_or_else(|| "no IPv4 address".to_owned())
}
