//! One measurement: from the first stored event to the last.

use super::contender::{Contender, Running, Task};
use super::workload::{AVRO, Entry, Workload};
use crate::proc;
use anyhow::{Context, Result, ensure};
use millstream_tests::{Link, Registry, create_topic, produce, servers, unique};
use redis::{Connection, Value};
use serde::Serialize;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(300);
/// How many clients' streams are compared entry by entry.
const SAMPLED: usize = 50;

/// The sum of entries ever added to the streams of clients with these numbers.
const SUM: &str = r#"
local sum = 0
for n = tonumber(ARGV[2]), tonumber(ARGV[3]) do
    local key = ARGV[1] .. ARGV[4] .. string.format("%d", n)
    if redis.call("EXISTS", key) == 1 then
        local info = redis.call("XINFO", "STREAM", key)
        for at = 1, #info, 2 do
            if info[at] == "entries-added" then sum = sum + info[at + 1] end
        end
    end
end
return sum"#;

/// What a run took.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    pub seconds: f64,
    pub records_per_second: f64,
    /// CPU time per record, in microseconds.
    pub cpu_us: f64,
    pub redis_cpu_us: f64,
    pub kafka_cpu_us: f64,
    pub peak_mib: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{:.0} records/s, CPU per record {:.2} us, of Redis {:.2} us, of Kafka {:.2} us",
            self.records_per_second, self.cpu_us, self.redis_cpu_us, self.kafka_cpu_us
        )
    }
}

/// The servers with the records in them.
pub struct Bench<'a> {
    work: &'a Workload,
    topic: String,
    /// The same records in another topic, as Avro.
    avro: Option<Avro>,
    /// In front of Redis, if it is to be far away.
    link: Option<Link>,
    redis_pid: u32,
    kafka_pid: u32,
}

struct Avro {
    topic: String,
    registry: Registry,
}

impl Bench<'_> {
    pub fn new(work: &Workload, redis_delay: Duration, with_avro: bool) -> Bench<'_> {
        let topic = create_topic("road", work.partitions as i32);
        produce(&topic, work.messages());
        let avro = with_avro.then(|| {
            let (topic, registry) = (
                create_topic("avro", work.partitions as i32),
                Registry::new(),
            );
            let id = registry.register(&format!("{topic}-value"), "AVRO", AVRO);
            produce(&topic, work.avro(id));
            Avro { topic, registry }
        });
        let link = (!redis_delay.is_zero()).then(|| {
            let link = Link::to(&servers().redis.addr());
            link.delay(redis_delay);
            link
        });
        Bench {
            work,
            topic,
            avro,
            link,
            redis_pid: servers().redis.pid(),
            kafka_pid: servers().kafka.pid(),
        }
    }

    /// Runs a contender in an empty Redis. With `thorough`, entries are compared, too.
    pub fn measure(&self, contender: &Contender, thorough: bool) -> Result<Figures> {
        let prefix = unique("road");
        let redis = servers().redis.addr();
        let task = Task {
            kafka: servers().kafka.bootstrap(),
            redis: self.link.as_ref().map_or(redis, Link::addr),
            topic: self.topic(contender),
            registry: { self.avro.as_ref() }
                .filter(|_| contender.is_avro())
                .map(|avro| avro.registry.url()),
            partitions: self.work.partitions,
            prefix: &prefix,
        };
        let mut connection = servers().redis.connect();
        redis::cmd("FLUSHALL").exec(&mut connection)?;
        let mut streams = Streams {
            connection,
            prefix: &prefix,
        };
        let running = contender.start(&task);
        let of = |end: &str| {
            (0..self.work.partitions)
                .map(|p| format!("{end}-{p}"))
                .collect()
        };
        let (begins, ends): (Vec<_>, Vec<_>) = (of("begin"), of("end"));
        streams.wait(&running, &begins, false, Duration::from_millis(1))?;
        let before = self.cpu(&running);
        streams.wait(&running, &ends, true, Duration::from_millis(10))?;
        let after = self.cpu(&running);
        let peak = proc::peak_memory(running.pid());
        let began = streams.times(&begins)?.into_iter().min();
        let ended = streams.times(&ends)?.into_iter().max();
        let seconds = ended.zip(began).context("no times")?;
        let seconds = (seconds.0 - seconds.1) as f64 / 1e3;
        drop(running);
        self.check(&mut streams, self.topic(contender), thorough)
            .with_context(|| format!("{} did not store the records", contender.name()))?;
        let records = self.work.records() as f64;
        let each = |which: usize| (after[which] - before[which]).as_secs_f64() * 1e6 / records;
        Ok(Figures {
            seconds,
            records_per_second: records / seconds,
            cpu_us: each(0),
            redis_cpu_us: each(1),
            kafka_cpu_us: each(2),
            peak_mib: peak as f64 / f64::from(1 << 20),
        })
    }

    fn topic(&self, contender: &Contender) -> &str {
        let avro = self.avro.as_ref().filter(|_| contender.is_avro());
        avro.map_or(&self.topic, |avro| &avro.topic)
    }

    /// CPU times of the contender, of Redis and of Kafka.
    fn cpu(&self, running: &Running) -> [Duration; 3] {
        [running.pid(), self.redis_pid, self.kafka_pid].map(proc::cpu)
    }

    fn check(&self, streams: &mut Streams, topic: &str, thorough: bool) -> Result<()> {
        let (all, stored) = (self.work.records(), streams.added(self.work)?);
        ensure!(stored == all, "{stored} events of {all} records");
        if thorough {
            for number in 0..SAMPLED.min(self.work.clients) {
                // Rare clients as well as frequent ones.
                let client = number * self.work.clients / SAMPLED.min(self.work.clients);
                let Some(expected) = self.work.entries(topic, client) else {
                    return Ok(());
                };
                let found = streams.entries(client)?;
                // A long stream was trimmed.
                let whole = expected.len() < 1000;
                let there = found
                    .iter()
                    .all(|entry| expected.binary_search(entry).is_ok());
                ensure!(
                    there && (!whole || found == expected),
                    "client {client} has {} entries, and not those of its {} records",
                    found.len(),
                    expected.len()
                );
            }
        }
        Ok(())
    }
}

/// The streams of one run.
struct Streams<'a> {
    connection: Connection,
    prefix: &'a str,
}

impl Streams<'_> {
    fn key(&self, client: &str) -> String {
        format!("{}:{{0}}:client:{client}", self.prefix)
    }

    /// Waits until one of these clients has an entry, or all have.
    fn wait(
        &mut self,
        running: &Running,
        clients: &[String],
        all: bool,
        pause: Duration,
    ) -> Result<()> {
        let deadline = Instant::now() + LONG;
        loop {
            let mut ask = redis::cmd("EXISTS");
            clients.iter().for_each(|client| {
                ask.arg(self.key(client));
            });
            let there: usize = ask.query(&mut self.connection)?;
            if there == clients.len() || (there > 0 && !all) {
                return Ok(());
            }
            ensure!(!running.has_ended(), "it ended");
            ensure!(
                Instant::now() < deadline,
                "after {LONG:?}, {there} of {} streams are there",
                clients.len()
            );
            thread::sleep(pause);
        }
    }

    /// When the first entry of each client was stored, by Redis' clock in milliseconds.
    fn times(&mut self, clients: &[String]) -> Result<Vec<u64>> {
        let time = |client: &String| {
            let key = self.key(client);
            let mut ask = redis::cmd("XRANGE");
            ask.arg(key).arg("-").arg("+").arg("COUNT").arg(1);
            let entries: Vec<(String, Value)> = ask.query(&mut self.connection)?;
            let (id, _) = entries.first().context("an empty stream")?;
            let millis = id.split('-').next().unwrap_or_default();
            Ok(millis.parse()?)
        };
        clients.iter().map(time).collect()
    }

    /// How many entries all streams ever got.
    fn added(&mut self, work: &Workload) -> Result<usize> {
        const PAGE: usize = 10_000;
        let base = self.key("");
        let mut sum = 0;
        let mut add = |name: &str, from: usize, to: usize| -> Result<()> {
            let mut call = redis::cmd("EVAL");
            call.arg(SUM).arg(0).arg(&base).arg(from).arg(to).arg(name);
            sum += call.query::<usize>(&mut self.connection)?;
            Ok(())
        };
        for name in ["begin-", "end-"] {
            add(name, 0, work.partitions - 1)?;
        }
        for from in (0..work.clients).step_by(PAGE) {
            add("client-", from, (from + PAGE).min(work.clients) - 1)?;
        }
        Ok(sum)
    }

    /// The entries of a client, sorted by source.
    fn entries(&mut self, client: usize) -> Result<Vec<Entry>> {
        let key = self.key(&format!("client-{client}"));
        let mut ask = redis::cmd("XRANGE");
        let found: Vec<(String, [String; 6])> =
            ask.arg(key).arg("-").arg("+").query(&mut self.connection)?;
        let mut entries = Vec::new();
        for (_, [first, kind, second, data, third, source]) in found {
            ensure!([first, second, third] == ["type", "data", "source"]);
            entries.push(Entry { source, kind, data });
        }
        entries.sort();
        Ok(entries)
    }
}
