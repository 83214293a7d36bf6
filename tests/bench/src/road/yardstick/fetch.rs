//! Records of a topic, in batches, borrowed from librdkafka.

use anyhow::{Context, Result, ensure};
use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::ptr;
use std::slice;

/// A record, until its batch ends.
pub struct Record<'a> {
    pub partition: i32,
    pub offset: i64,
    pub value: &'a [u8],
}

pub struct Fetcher {
    /// The consumer's, which is as old as the process gets.
    queue: *mut sys::rd_kafka_queue_t,
    _consumer: BaseConsumer,
    messages: Vec<*mut sys::rd_kafka_message_t>,
}

impl Fetcher {
    /// Reads all partitions from their beginning.
    pub fn new(kafka: &str, topic: &str, partitions: i32) -> Result<Fetcher> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", kafka)
            .set("group.id", "yardstick")
            .set("enable.auto.commit", "false")
            // The default, a second, lets a fast consumer wait.
            .set("fetch.queue.backoff.ms", "2")
            .set("queued.min.messages", "20000")
            .create()?;
        let mut all = TopicPartitionList::new();
        for partition in 0..partitions {
            all.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&all)?;
        // SAFETY: the consumer lives.
        let queue = unsafe { sys::rd_kafka_queue_get_consumer(consumer.client().native_ptr()) };
        Ok(Fetcher {
            queue,
            _consumer: consumer,
            messages: Vec::new(),
        })
    }

    /// Waits for records and hands over up to `most`; returns how many.
    pub fn batch(&mut self, most: usize, mut take: impl FnMut(&Record)) -> Result<usize> {
        self.messages.resize(most, ptr::null_mut());
        let count = loop {
            // SAFETY: there is room for `most` pointers.
            let count = unsafe {
                sys::rd_kafka_consume_batch_queue(self.queue, 100, self.messages.as_mut_ptr(), most)
            };
            match usize::try_from(count).context("librdkafka can't read its queue")? {
                0 => {}
                count => break count,
            }
        };
        for message in &self.messages[..count] {
            // SAFETY: librdkafka gave a message, which lives until it is destroyed.
            unsafe {
                let found = &**message;
                ensure!(found.err as i32 == 0, "Kafka: {:?}", found.err);
                take(&Record {
                    partition: found.partition,
                    offset: found.offset,
                    value: slice::from_raw_parts(found.payload.cast(), found.len),
                });
                sys::rd_kafka_message_destroy(*message);
            }
        }
        Ok(count)
    }
}
