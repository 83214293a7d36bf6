//! From Kafka to the handler of a page in a real browser.

use crate::edge::daemons;
use crate::edge::options::Target;
use crate::edge::report::{Report, Row};
use crate::edge::world::World;
use crate::proc::load_average;
use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use millstream_tests::Browser;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SOON: Duration = Duration::from_secs(60);
/// Wait before the measurement: a browser that has just started is busy and delays the page by a
/// quarter of a second at a time.
const WARM: Duration = Duration::from_secs(10);

pub fn run(target: &Target, report: &Report, rate: u32, seconds: Duration) -> Result<()> {
    ensure!(
        target.url.is_empty(),
        "this measurement must start a separate Kafka: omit --url"
    );
    let world = World::whole(target)?;
    let address = world.edges[0].address;
    let mut browser = Browser::open(&format!("http://{address}/a-page"));
    browser.eval(
        "window.got = []; window.source = new EventSource('/v1/events?client=ada');
         source.onmessage = (e) => got.push([
             performance.timeOrigin + performance.now() - Number(e.data.split(' ')[0]), e.data.length]);
         source.onopen = () => { window.opened = true }; true",
    );
    browser.wait_for("window.opened === true", SOON);
    browser.unwatched();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", daemons::kafka().bootstrap());
    config.set("linger.ms", "0");
    let producer: BaseProducer = config.create()?;
    let load = load_average();
    let warm = (WARM.as_secs_f64() * f64::from(rate)) as usize;
    let records = (seconds.as_secs_f64() * f64::from(rate)) as usize + warm;
    let began = Instant::now();
    for n in 0..records {
        let due = began + Duration::from_secs_f64(n as f64 / f64::from(rate));
        sleep(due.saturating_duration_since(Instant::now()));
        let sent = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1e3;
        let payload = format!("{sent:.3} {:>1$}", "x", target.payload);
        let record = BaseRecord::to(&world.prefix).key("ada").payload(&payload);
        producer.send(record).map_err(|(error, _)| error)?;
        producer.poll(Duration::ZERO);
    }
    producer.flush(SOON)?;
    browser.wait_for(&format!("got.length >= {records}"), SOON);
    let got = browser.eval("got.map(([ms]) => ms)");
    let mut latencies = Histogram::<u64>::new(3)?;
    for ms in got.as_array().into_iter().flatten().skip(warm) {
        latencies.record((ms.as_f64().unwrap_or_default().max(0.0) * 1e3) as u64)?;
    }
    let received = browser.eval("got.length").as_u64().unwrap_or_default();
    report.tell(
        &Row::of("browser")
            .count("rate", u64::from(rate))
            .count("sent", records as u64)
            .count("received", received)
            .latencies(&latencies)
            .number("load1", load, 2),
    );
    ensure!(
        received == records as u64,
        "not every record became an event"
    );
    Ok(())
}
