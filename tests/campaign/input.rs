use crate::record::{PARTITIONS, Record};
use millstream_tests::Kafka;
use std::collections::HashMap;

/// The number that stands for an offset without a record.
const NONE: u32 = u32::MAX;

/// The content of the topic, read back from Kafka: the number at each offset. A producer that
/// retries after a broker's death may have stored a record twice; then it counts as two records.
pub struct Input {
    pub topic: String,
    seed: u64,
    numbers: Vec<Vec<u32>>,
    /// How many good records the record's client had in the partition up to each offset; empty if
    /// the transform does not count.
    counts: Vec<Vec<u32>>,
}

impl Input {
    pub fn new(topic: &str, seed: u64) -> Input {
        Input {
            topic: topic.to_owned(),
            seed,
            numbers: vec![Vec::new(); PARTITIONS.into()],
            counts: Vec::new(),
        }
    }

    /// Counts what a transform with state must have counted.
    pub fn number_by_client(&mut self) {
        let of_partition = |(partition, length): (usize, usize)| {
            let mut by_client: HashMap<String, u32> = HashMap::new();
            let count = |offset| match self.record(partition, offset).filter(|record| record.good) {
                None => 0,
                Some(record) => {
                    let count = by_client.entry(record.client()).or_default();
                    *count += 1;
                    *count
                }
            };
            (0..length).map(count).collect()
        };
        self.counts = self.lengths().enumerate().map(of_partition).collect();
    }

    /// What the event of this record must say, made by this version of the plugin.
    pub fn payload(&self, record: &Record, place: (usize, usize), version: &str) -> String {
        let (partition, offset) = place;
        let count = self.counts.get(partition).map(|counts| counts[offset]);
        record.payload(version, count)
    }

    pub fn read(kafka: &Kafka, topic: &str, seed: u64) -> Input {
        let mut input = Input::new(topic, seed);
        kafka.read_each(topic, |record| {
            let number = record.header("number").unwrap().parse().unwrap();
            let sent = Record::new(seed, number).message();
            assert_eq!(record.value, sent.value, "Kafka has the produced records");
            input.add(record.partition, record.offset, number);
        });
        input
    }

    pub fn add(&mut self, partition: i32, offset: i64, number: u32) {
        let numbers = &mut self.numbers[usize::try_from(partition).unwrap()];
        let offset = usize::try_from(offset).unwrap();
        if numbers.len() <= offset {
            numbers.resize(offset + 1, NONE);
        }
        numbers[offset] = number;
    }

    /// The record at this offset, if any.
    pub fn record(&self, partition: usize, offset: usize) -> Option<Record> {
        let number = *self.numbers.get(partition)?.get(offset)?;
        (number != NONE).then(|| Record::new(self.seed, number))
    }

    /// The number of offsets of each partition.
    pub fn lengths(&self) -> impl Iterator<Item = usize> {
        self.numbers.iter().map(Vec::len)
    }

    pub fn count(&self) -> usize {
        let numbers = self.numbers.iter().flatten();
        numbers.filter(|number| **number != NONE).count()
    }

    /// `topic/partition/offset[/n]`, the source in events and letters.
    pub fn parse_source(&self, source: &str) -> Option<(usize, usize, Option<u32>)> {
        let mut parts = source
            .strip_prefix(&self.topic)?
            .strip_prefix('/')?
            .split('/');
        let (partition, offset) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let n = parts.next().map(|n| n.parse().ok());
        match n {
            Some(None) => None,
            n => Some((partition, offset, n.flatten())),
        }
    }
}
