use crate::record::{PARTITIONS, Record};
use millstream_tests::Kafka;

/// The number that stands for an offset without a record.
const NONE: u32 = u32::MAX;

/// The content of the topic, read back from Kafka: the number at each offset. A producer that
/// retries after a broker's death may have stored a record twice; then it counts as two records.
pub struct Input {
    pub topic: String,
    seed: u64,
    numbers: Vec<Vec<u32>>,
}

impl Input {
    pub fn new(topic: &str, seed: u64) -> Input {
        Input {
            topic: topic.to_owned(),
            seed,
            numbers: vec![Vec::new(); PARTITIONS.into()],
        }
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
