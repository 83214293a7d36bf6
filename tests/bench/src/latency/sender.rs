//! The producer: one thread sends at a steady rate, another one notes the acknowledgements.

use crate::clock::now;
use crate::edge::clients::payload;
use anyhow::{Result, bail, ensure};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// A record that is sent later than this after it was due is late.
pub const LATE: Duration = Duration::from_millis(1);
/// How much longer than planned sending may take.
const SLOWER: f64 = 1.05;

pub struct Sender {
    producer: ThreadedProducer<Acknowledgements>,
    topic: String,
    client: String,
    payload: usize,
    /// When each record was sent.
    sent: Vec<u64>,
    acknowledged: Arc<[AtomicU64]>,
}

/// When each record's acknowledgement reached the producer; 0 is never.
struct Acknowledgements(Arc<[AtomicU64]>);

impl ClientContext for Acknowledgements {}

impl ProducerContext for Acknowledgements {
    /// The record's number.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult, number: usize) {
        if result.is_ok() {
            self.0[number].store(now(), Ordering::Relaxed);
        }
    }
}

impl Sender {
    /// For this many records in all. The pipeline's default client is the key.
    pub fn new(
        kafka: &str,
        topic: &str,
        client: &str,
        payload: usize,
        records: usize,
    ) -> Result<Sender> {
        let acknowledged: Arc<[AtomicU64]> = (0..records).map(|_| AtomicU64::new(0)).collect();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", kafka).set("linger.ms", "0");
        Ok(Sender {
            producer: config.create_with_context(Acknowledgements(acknowledged.clone()))?,
            topic: topic.to_owned(),
            client: client.to_owned(),
            payload,
            sent: Vec::with_capacity(records),
            acknowledged,
        })
    }

    /// Sends records, each at its time, and returns how late each was.
    ///
    /// # Errors
    /// If this thread or Kafka can't keep the rate.
    pub fn send(&mut self, records: usize, rate: u32) -> Result<Vec<Duration>> {
        let (began, each) = (now(), 1e9 / f64::from(rate));
        let mut lags = Vec::with_capacity(records);
        for n in 0..records {
            let due = began + (n as f64 * each) as u64;
            sleep(Duration::from_nanos(due.saturating_sub(now())));
            let sent = now();
            self.send_one(sent, rate)?;
            lags.push(Duration::from_nanos(sent.saturating_sub(due)));
        }
        let planned = Duration::from_secs_f64(records as f64 / f64::from(rate));
        let took = Duration::from_nanos(now() - began);
        ensure!(
            took <= planned.mul_f64(SLOWER) + LATE * 100,
            "can't send {rate} records a second here: {records} took {took:.1?}"
        );
        Ok(lags)
    }

    fn send_one(&mut self, sent: u64, rate: u32) -> Result<()> {
        let payload = payload(sent, self.payload);
        let record = BaseRecord::with_opaque_to(&self.topic, self.sent.len());
        let record = record.key(&self.client).payload(&payload);
        self.sent.push(sent);
        match self.producer.send(record) {
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                bail!("Kafka accepts fewer than {rate} records a second")
            }
            sent => Ok(sent.map_err(|(error, _)| error)?),
        }
    }

    /// When each record was sent, and when its acknowledgement came.
    ///
    /// # Errors
    /// If Kafka did not acknowledge all.
    pub fn end(self) -> Result<(Vec<u64>, Vec<u64>)> {
        self.producer.flush(Duration::from_secs(30))?;
        let times = self.acknowledged.iter();
        let times: Vec<u64> = times.map(|at| at.load(Ordering::Relaxed)).collect();
        let missing = times.iter().filter(|at| **at == 0).count();
        ensure!(missing == 0, "Kafka did not acknowledge {missing} records");
        Ok((self.sent, times))
    }
}
