//! A plain Kafka consumer beside the daemon: when a record reaches any consumer at all.

use crate::clock::now;
use anyhow::{Context, Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

pub struct Consumer {
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<u64>>>,
}

impl Consumer {
    /// Reads the topic's one partition from its beginning, and notes when each record comes.
    ///
    /// # Errors
    /// If the consumer can't be made.
    pub fn start(kafka: &str, topic: &str) -> Result<Consumer> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", kafka);
        config.set("group.id", "plain");
        config.set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create()?;
        let mut all = TopicPartitionList::new();
        all.add_partition_offset(topic, 0, Offset::Beginning)?;
        consumer.assign(&all)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = stopping.clone();
        let thread = spawn(move || {
            let mut came = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let Some(record) = consumer.poll(Duration::from_millis(100)) else {
                    continue;
                };
                let (record, at) = (record?, now());
                let is_next = usize::try_from(record.offset()) == Ok(came.len());
                ensure!(is_next, "record {} came out of order", record.offset());
                came.push(at);
            }
            Ok(came)
        });
        Ok(Consumer { stopping, thread })
    }

    /// When each record came.
    ///
    /// # Errors
    /// If one did not come.
    pub fn end(self) -> Result<Vec<u64>> {
        self.stopping.store(true, Ordering::Relaxed);
        let came = self.thread.join().ok();
        came.context("the plain consumer panicked")?
    }
}
