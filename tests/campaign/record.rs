//! The content of record number N. It follows from the seed and the number alone, so that millions
//! of records need no memory but their numbers.

use fastrand::Rng;
use millstream_tests::Message;

pub const PARTITIONS: u8 = 8;
const CLIENTS: u32 = 1000;

/// Spreads neighbouring numbers over the generator's states.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

pub struct Record {
    number: u32,
    client: u32,
    pub partition: u8,
    /// One in a hundred is malformed and becomes a dead letter.
    pub good: bool,
    length: usize,
}

impl Record {
    pub fn new(seed: u64, number: u32) -> Record {
        let mut random = Rng::with_seed(seed ^ u64::from(number).wrapping_mul(SPREAD));
        let longest = random.choice([20, 100, 100, 300, 2000]).unwrap();
        Record {
            number,
            client: random.u32(..CLIENTS),
            // Independent of the client: several partitions, and so several daemons, write to one
            // stream.
            partition: random.u8(..PARTITIONS),
            good: random.u8(..100) > 0,
            length: random.usize(..longest),
        }
    }

    pub fn client(&self) -> String {
        format!("client-{}", self.client)
    }

    /// The record for Kafka, with non-text bytes where a dead letter must keep them.
    pub fn message(&self) -> Message {
        let Record { number, client, .. } = self;
        let text = self.text();
        let value =
            format!(r#"{{"clientId":"client-{client}","eventId":"e-{number}","text":"{text}""#);
        let end: &[u8] = if self.good { b"}" } else { b",\xff\x00" };
        Message::new([value.as_bytes(), end].concat())
            .key(self.client())
            .partition(self.partition.into())
            .header("number", number.to_string())
            .header("bytes", b"\x00\xff\x10")
            .header("empty", b"")
    }

    /// The output of this version of the plugin, with the count of one that counts.
    pub fn payload(&self, version: &str, count: Option<u32>) -> String {
        let (number, text) = (self.number, self.text());
        let count = count.map_or(String::new(), |count| format!(r#","count":{count}"#));
        format!(r#"{{"id":"e-{number}","version":"{version}","text":"{text}"{count}}}"#)
    }

    /// Different numbers have different texts.
    fn text(&self) -> String {
        let number = self.number.to_string();
        number.chars().cycle().take(self.length).collect()
    }
}
