//! The measured system: one Redis, and the SSE servers in front of it.

use crate::edge::daemons;
use crate::edge::options::Target;
use crate::proc::{self, Memory};
use anyhow::{Context as _, Result, bail};
use millstream_tests::{Daemon, Redis, unique};
use std::net::SocketAddr;
use std::time::Duration;

pub struct World {
    pub edges: Vec<Edge>,
    pub prefix: String,
    redis: Store,
}

/// An SSE server.
pub struct Edge {
    pub address: SocketAddr,
    /// Unknown for a server that ran already.
    pub pid: Option<u32>,
    /// Killed when this is dropped.
    _daemon: Option<Daemon>,
}

enum Store {
    Own(Redis),
    /// Its URL.
    Given(String),
}

/// Redis 7's default for a new user: no channels, so edges poll.
fn without_channels(redis: &Redis) -> String {
    redis.order(&["ACL", "SETUSER", "edge", "on", ">edge", "~*", "+@all"]);
    format!("redis://edge:edge@{}", redis.addr())
}

impl World {
    /// The servers of the options, or a Redis and one daemon started by this tool.
    pub fn new(target: &Target) -> Result<World> {
        match target.url.is_empty() {
            true => World::own(target, 1, &[]),
            false => World::given(target),
        }
    }

    /// Starts the servers; `extra` are further arguments of redis-server.
    pub fn own(target: &Target, edges: usize, extra: &[&str]) -> Result<World> {
        let program = target.subject.program()?;
        let (redis, prefix) = (Redis::new(extra), unique("load"));
        let url = match target.polled {
            true => without_channels(&redis),
            false => redis.url(),
        };
        let daemons = daemons::start(edges, &program, &url, &prefix);
        Ok(World::of(daemons, prefix, redis))
    }

    /// Starts a daemon that ingests and serves.
    pub fn whole(target: &Target) -> Result<World> {
        let program = target.subject.program()?;
        let (redis, prefix) = (Redis::new(&[]), unique("load"));
        let daemon = daemons::start_whole(&program, &redis.url(), &prefix);
        Ok(World::of(vec![daemon], prefix, redis))
    }

    fn of(daemons: Vec<Daemon>, prefix: String, redis: Redis) -> World {
        let edge = |daemon: Daemon| Edge {
            address: daemon.sse().parse().unwrap(),
            pid: Some(daemon.pid()),
            _daemon: Some(daemon),
        };
        World {
            edges: daemons.into_iter().map(edge).collect(),
            prefix,
            redis: Store::Own(redis),
        }
    }

    fn given(target: &Target) -> Result<World> {
        let edge = |(n, address): (usize, &SocketAddr)| Edge {
            address: *address,
            pid: target.pid.get(n).copied(),
            _daemon: None,
        };
        let redis = target.redis.clone().context("missing --redis")?;
        Ok(World {
            edges: target.url.iter().enumerate().map(edge).collect(),
            prefix: target.prefix.clone(),
            redis: Store::Given(redis),
        })
    }

    /// The address of its Redis.
    pub fn redis_url(&self) -> String {
        match &self.redis {
            Store::Own(redis) => redis.url(),
            Store::Given(url) => url.clone(),
        }
    }

    /// The memory of its servers, if known.
    pub fn memory(&self) -> Memory {
        let nothing = Memory { pss: 0, rss: 0 };
        self.pids().map(proc::memory).fold(nothing, Memory::and)
    }

    /// CPU time of its servers so far, if known.
    pub fn cpu(&self) -> Duration {
        self.pids().map(proc::cpu).sum()
    }

    fn pids(&self) -> impl Iterator<Item = u32> {
        self.edges.iter().filter_map(|edge| edge.pid)
    }

    /// The Redis, if this tool started it and may kill it.
    pub fn own_redis(&self) -> Result<&Redis> {
        match &self.redis {
            Store::Own(redis) => Ok(redis),
            Store::Given(_) => bail!("this measurement must start a separate Redis: omit --url"),
        }
    }

    pub fn connect(&self) -> Result<redis::Connection> {
        let client = redis::Client::open(self.redis_url())?;
        client.get_connection().context("can't connect to Redis")
    }

    /// The process id of its Redis, if that is on this machine.
    pub fn redis_pid(&self) -> Result<u32> {
        let mut ask = redis::cmd("INFO");
        let info: String = ask.arg("server").query(&mut self.connect()?)?;
        let pid = info
            .lines()
            .find_map(|line| line.strip_prefix("process_id:"));
        Ok(pid.context("Redis reports no process id")?.trim().parse()?)
    }
}
