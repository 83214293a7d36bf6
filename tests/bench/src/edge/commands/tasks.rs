//! One POST after another to the task gateway, each acknowledged by a real Kafka.

use crate::edge::daemons;
use crate::edge::options::Target;
use crate::edge::report::{Report, Row};
use crate::proc::load_average;
use anyhow::{Result, bail, ensure};
use hdrhistogram::Histogram;
use millstream_tests::{Redis, unique};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// Connections for requests, all persistent: like browsers behind a proxy.
const CONNECTIONS: usize = 64;
const PARTITIONS: i32 = 6;

pub fn run(target: &Target, report: &Report, rate: u32, seconds: Duration) -> Result<()> {
    ensure!(
        target.url.is_empty(),
        "this measurement must start a separate Kafka: omit --url"
    );
    let program = target.subject.program()?;
    let (redis, prefix) = (Redis::new(&[]), unique("load"));
    let requests = format!("{prefix}-requests");
    daemons::kafka().create_topic_named(&requests, PARTITIONS, &[]);
    let daemon = daemons::start_gateway(&program, &redis.url(), &prefix, &requests);
    let addr = daemon.sse();
    let warm = post(&addr, rate, Duration::from_secs(2), target.payload)?;
    let load = load_average();
    let done = post(&addr, rate, seconds, target.payload)?;
    let sent: HashSet<Vec<u8>> = {
        let records = daemons::kafka().read_all(&requests).into_iter();
        records.filter_map(|record| record.key).collect()
    };
    let all = warm.ids.iter().chain(&done.ids);
    let lost = all.filter(|id| !sent.contains(id.as_bytes())).count();
    report.tell(
        &Row::of("tasks")
            .count("rate", u64::from(rate))
            .count("sent", done.ids.len() as u64)
            .latencies(&done.latencies)
            .count("lost", lost as u64)
            .number("load1", load, 2),
    );
    ensure!(lost == 0, "{lost} tasks were accepted but are not in Kafka");
    Ok(())
}

struct Done {
    /// The id of each answered task.
    ids: Vec<String>,
    /// From its due time to its response, in microseconds, so that a late request does not look
    /// fast.
    latencies: Histogram<u64>,
}

fn post(addr: &str, rate: u32, time: Duration, payload: usize) -> Result<Done> {
    let (began, next) = (Instant::now(), AtomicU64::new(0));
    let count = (time.as_secs_f64() * f64::from(rate)) as u64;
    let body = format!("{{\"data\":\"{}\"}}", "x".repeat(payload));
    let ask = || -> Result<Done> {
        let mut stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        let (mut ids, mut latencies) = (Vec::new(), Histogram::new(3)?);
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= count {
                return Ok(Done { ids, latencies });
            }
            let due = began + Duration::from_secs_f64(n as f64 / f64::from(rate));
            sleep(due.saturating_duration_since(Instant::now()));
            ids.push(one(&mut stream, n, &body)?);
            latencies.record(due.elapsed().as_micros() as u64)?;
        }
    };
    let each: Vec<Result<Done>> = scope(|scope| {
        let asking: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let mut all = Done {
        ids: Vec::new(),
        latencies: Histogram::new(3)?,
    };
    for done in each {
        let done = done?;
        all.ids.extend(done.ids);
        all.latencies.add(done.latencies)?;
    }
    Ok(all)
}

/// Requests a task and waits for the response: its id.
fn one(stream: &mut TcpStream, n: u64, body: &str) -> Result<String> {
    let client = n % 50;
    let length = body.len();
    write!(
        stream,
        "POST /v1/tasks?client=c{client} HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    // The response is complete when its JSON body ends.
    while !answer.ends_with(b"}") {
        match stream.read(&mut buffer)? {
            0 => bail!("the gateway closed the connection"),
            read => answer.extend_from_slice(&buffer[..read]),
        }
    }
    let text = String::from_utf8(answer)?;
    ensure!(text.starts_with("HTTP/1.1 202 "), "{text}");
    let (_, id) = text.split_once("\"taskId\":\"").unwrap();
    Ok(id[..36].to_owned())
}
