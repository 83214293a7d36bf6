use crate::clock::now;
use crate::edge::clients::{self, payload};
use crate::edge::daemons;
use crate::edge::options::Target;
use crate::edge::proof::Proof;
use crate::edge::report::{Report, Row};
use crate::edge::swarm::Swarm;
use crate::edge::world::World;
use crate::proc::load_average;
use anyhow::{Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub fn run(target: &Target, report: &Report, rate: u32, seconds: Duration) -> Result<()> {
    ensure!(
        target.url.is_empty(),
        "this measurement must start a separate Kafka: omit --url"
    );
    let world = World::whole(target)?;
    let mut swarm = Swarm::connected(1, &world, "")?;
    let mut proof = Proof::new(&swarm);
    let producer = producer()?;
    // The measurement excludes connecting to Kafka and the consumer group's first fetch.
    let warm = produce(
        &producer,
        &world,
        &swarm,
        rate,
        Duration::from_secs(1),
        target,
    )?;
    swarm.wait_received(warm)?;
    swarm.latencies()?;
    let load = load_average();
    let sent = produce(&producer, &world, &swarm, rate, seconds, target)?;
    let status = swarm.wait_received(warm + sent)?;
    let lost = proof.check(&world, &mut swarm)?;
    report.tell(
        &Row::of("latency")
            .count("rate", u64::from(rate))
            .count("sent", warm + sent)
            .count("received", status.received)
            .latencies(&swarm.latencies()?)
            .count("lost", lost)
            .number("load1", load, 2),
    );
    ensure!(
        status.received == warm + sent,
        "not every record became an event"
    );
    proof.verdict()
}

fn producer() -> Result<BaseProducer> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", daemons::kafka().bootstrap());
    config.set("linger.ms", "0");
    Ok(config.create()?)
}

/// One record after another; the pipeline's default client is the key.
fn produce(
    producer: &BaseProducer,
    world: &World,
    swarm: &Swarm,
    rate: u32,
    time: Duration,
    target: &Target,
) -> Result<u64> {
    let (began, client) = (Instant::now(), clients::name(&swarm.run, 0));
    let records = (time.as_secs_f64() * f64::from(rate)) as u32;
    for n in 0..records {
        let due = began + Duration::from_secs_f64(f64::from(n) / f64::from(rate));
        sleep(due.saturating_duration_since(Instant::now()));
        let payload = payload(now(), target.payload);
        let record = BaseRecord::to(&world.prefix).key(&client).payload(&payload);
        match producer.send(record) {
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                anyhow::bail!("Kafka accepts fewer than {rate} records a second")
            }
            sent => sent.map_err(|(error, _)| error)?,
        }
        producer.poll(Duration::ZERO);
    }
    producer.flush(Duration::from_secs(30))?;
    Ok(u64::from(records))
}
