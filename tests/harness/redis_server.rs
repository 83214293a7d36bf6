use crate::janitor::scratch_dir;
use crate::ports::free_port;
use crate::process::{Process, find_program};
use crate::wait::wait_until;
use redis::{Client, Connection, RedisResult};
use rustix::process::Signal;
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// Much longer than a start takes, unless it loads a large append-only file.
const START: Duration = Duration::from_secs(120);
const ANSWER: Duration = Duration::from_secs(30);

/// One redis-server on loopback with its own folder. A [`Redis::kill`] keeps its port and its
/// files.
pub struct Redis {
    dir: PathBuf,
    port: u16,
    extra: Vec<String>,
    env: Vec<(String, String)>,
    process: Mutex<Option<Process>>,
}

impl Redis {
    /// Starts a server that evicts nothing and persists nothing; `extra` arguments may change that
    /// (`["--appendonly", "yes"]`).
    pub fn new(extra: &[&str]) -> Self {
        Self::with_env(extra, vec![])
    }

    /// Like [`Redis::new`], with these environment variables.
    pub(crate) fn with_env(extra: &[&str], env: Vec<(String, String)>) -> Self {
        let redis = Redis {
            dir: scratch_dir("redis"),
            port: free_port(),
            extra: extra.iter().map(ToString::to_string).collect(),
            env,
            process: Mutex::new(None),
        };
        redis.start();
        redis
    }

    /// `redis://127.0.0.1:<port>`
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `127.0.0.1:<port>`
    pub fn addr(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process id; panics while it is down.
    pub fn pid(&self) -> u32 {
        let process = self.process.lock().unwrap();
        process.as_ref().expect("Redis is down").pid()
    }

    /// The folder with its files, such as `dump.rdb`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs one command.
    pub fn order(&self, words: &[&str]) {
        let mut command = redis::cmd(words[0]);
        let done = command.arg(&words[1..]).exec(&mut self.connect());
        done.unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }

    /// How many commands of this user it refused, as far as its log goes (`ACL LOG RESET` clears
    /// it).
    pub fn refusals(&self, user: &str) -> usize {
        let mut log = redis::cmd("ACL");
        let log: Vec<HashMap<String, redis::Value>> =
            log.arg("LOG").query(&mut self.connect()).unwrap();
        let of = |entry: &HashMap<String, redis::Value>| {
            let name = entry
                .get("username")
                .map(redis::from_redis_value_ref::<String>);
            name.is_some_and(|name| name.is_ok_and(|name| name == user))
        };
        log.iter().filter(|entry| of(entry)).count()
    }

    /// A new connection.
    pub fn connect(&self) -> Connection {
        self.try_connect().expect("can't connect to redis-server")
    }

    /// Starts it after a kill or stop, and waits until it has loaded its data.
    pub fn start(&self) {
        let mut process = self.process.lock().unwrap();
        *process = None; // the previous process must be gone before its log is truncated
        let mut command = Process::command(&find_program("redis-server"));
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]);
        command.args(["--maxmemory-policy", "noeviction", "--dir"]);
        command.arg(&self.dir).args(&self.extra);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let log = File::create(self.dir.join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let started = process.insert(Process::start(command));
        wait_until("redis-server has started", START, || {
            self.is_started(started)
        });
    }

    /// SIGKILL between two writes: an interrupted write could leave half a transaction in the
    /// append-only file (see [`Redis::mark`]).
    pub fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        process.iter().for_each(Process::freeze);
        *process = None;
    }

    /// SIGTERM: it saves its data if so configured; returns when it has ended.
    pub fn terminate(&self) {
        if let Some(process) = self.process.lock().unwrap().take() {
            process.signal(Signal::TERM);
            process.wait_exit("redis-server", ANSWER);
        }
    }

    /// SIGSTOP: connections stay open and nothing answers.
    pub fn pause(&self) {
        let process = self.process.lock().unwrap();
        process.as_ref().expect("Redis is down").freeze();
    }

    /// SIGCONT: ends [`Redis::pause`].
    pub fn resume(&self) {
        let process = self.process.lock().unwrap();
        process
            .as_ref()
            .expect("Redis is down")
            .signal(Signal::CONT);
    }

    /// The size of the append-only file now, to which [`Redis::rewind`] can go back.
    ///
    /// The size comes from Redis, since the file may end within a write. Redis 7.0.15 does not
    /// fully repair a file that ends within a command of a transaction: it drops the transaction
    /// but leaves its beginning in the file, and the next start mixes that up with the transaction
    /// written after it.
    pub fn mark(&self) -> u64 {
        let mut ask = redis::cmd("INFO");
        let answer: String = ask.arg("persistence").query(&mut self.connect()).unwrap();
        let size = |name: &str| -> Option<u64> {
            let mut lines = answer.lines();
            lines.find_map(|line| line.strip_prefix(name)?.parse().ok())
        };
        // Before a restart neither size includes the base file, afterwards both do.
        let sizes = size("aof_current_size:").zip(size("aof_base_size:"));
        let (all, base) = sizes.expect("Redis has an append-only file");
        all - base
    }

    /// SIGKILL, and a start with the data of that moment, as after a failover to a replica that
    /// lags behind. Needs `--appendonly yes` and `--auto-aof-rewrite-percentage 0`.
    pub fn rewind(&self, mark: u64) {
        self.kill();
        let file = self.dir.join("appendonlydir/appendonly.aof.1.incr.aof");
        let file = File::options().write(true).open(file).unwrap();
        file.set_len(mark).unwrap();
        self.start();
    }

    /// Its log since it was last started.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    fn is_started(&self, process: &Process) -> Option<()> {
        let status = process.exit_status();
        let log = || self.log();
        assert!(
            status.is_none(),
            "redis-server ended ({status:?}): {}",
            log()
        );
        redis::cmd("PING").exec(&mut self.try_connect().ok()?).ok()
    }

    fn try_connect(&self) -> RedisResult<Connection> {
        let connection = Client::open(self.url())?.get_connection_with_timeout(ANSWER)?;
        connection.set_read_timeout(Some(ANSWER))?;
        Ok(connection)
    }
}
