//! What record number N is. All of it follows from the seed and the number, so that of millions of
//! records nothing but the numbers need be kept.

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
    /// One in a hundred is malformed, and becomes a dead letter.
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
            // Whatever the client: several partitions, and so several daemons, write to one stream.
            partition: random.u8(..PARTITIONS),
            good: random.u8(..100) > 0,
            length: random.usize(..longest),
        }
    }

    pub fn client(&self) -> String {
        format!("client-{}", self.client)
    }

    /// As it goes to Kafka: with bytes that are no text where a dead letter must keep them.
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

    /// What this version of the plugin makes of it.
    pub fn payload(&self, version: &str) -> String {
        let (number, text) = (self.number, self.text());
        format!(r#"{{"id":"e-{number}","version":"{version}","text":"{text}"}}"#)
    }

    /// Other numbers have other texts.
    fn text(&self) -> String {
        let number = self.number.to_string();
        number.chars().cycle().take(self.length).collect()
    }
}
