//! What is in the topic, and what must be in Redis afterwards.

use fastrand::Rng;
use millstream_tests::Message;

/// How records are spread over the clients.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub enum Spread {
    /// Each client as often as any other.
    Uniform,
    /// The client of rank k gets a share of 1/k.
    Zipf,
}

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Content {
    /// A notification of about 300 bytes.
    Notification,
    /// A few fields, in about 80 bytes.
    Small,
}

/// The records of a topic. The first record of each partition is for the client `begin-<p>`,
/// the last one for `end-<p>`: their entries' times in Redis say how long all took, whoever
/// stored them.
pub struct Workload {
    pub partitions: usize,
    pub clients: usize,
    content: Content,
    /// The client of each record; partition and offset follow from its number.
    of: Vec<Client>,
}

#[derive(Clone, Copy)]
enum Client {
    Begin(usize),
    End(usize),
    Number(u32),
}

/// A stored entry's fields.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub source: String,
    pub kind: String,
    pub data: String,
}

impl Workload {
    pub fn new(
        records: usize,
        partitions: usize,
        clients: usize,
        spread: Spread,
        content: Content,
    ) -> Workload {
        let mut random = Rng::with_seed(14);
        let shares = match spread {
            Spread::Uniform => Vec::new(),
            Spread::Zipf => cumulated(clients),
        };
        let of = (0..records).map(|number| {
            let random = match spread {
                Spread::Uniform => random.usize(..clients),
                Spread::Zipf => {
                    let at = random.f64() * shares.last().copied().unwrap_or(0.0);
                    shares.partition_point(|share| *share < at)
                }
            };
            match number {
                first if first < partitions => Client::Begin(first),
                last if last >= records - partitions => Client::End(last % partitions),
                _ => Client::Number(random as u32),
            }
        });
        Workload {
            partitions,
            clients,
            content,
            of: of.collect(),
        }
    }

    pub fn records(&self) -> usize {
        self.of.len()
    }

    /// The records to produce.
    pub fn messages(&self) -> impl Iterator<Item = Message> + '_ {
        self.of.iter().enumerate().map(|(number, client)| {
            let client = client.id();
            let value = match self.content {
                Content::Notification => notification(number, &client),
                Content::Small => small(number, &client),
            };
            let message = Message::new(value.into_bytes());
            let partition = (number % self.partitions) as i32;
            message.key(client).partition(partition)
        })
    }

    /// The same records as Avro, by the schema with this ID. Of notifications only.
    pub fn avro(&self, id: u32) -> impl Iterator<Item = Message> + '_ {
        self.of.iter().enumerate().map(move |(number, client)| {
            let client = client.id();
            let mut value = vec![0];
            value.extend(id.to_be_bytes());
            for text in fields(number, &client) {
                // A length of up to 8,191: zigzag, seven bits a byte.
                let length = 2 * text.len();
                if length >= 0x80 {
                    value.extend([length as u8 | 0x80, (length >> 7) as u8]);
                } else {
                    value.push(length as u8);
                }
                value.extend(text.into_bytes());
            }
            let partition = (number % self.partitions) as i32;
            Message::new(value).key(client).partition(partition)
        })
    }

    /// What the stream of this client must hold, sorted by source, if that is known: only of
    /// notifications.
    pub fn entries(&self, topic: &str, client: usize) -> Option<Vec<Entry>> {
        if self.content != Content::Notification {
            return None;
        }
        let of_client = |of: &Client| matches!(of, Client::Number(one) if *one as usize == client);
        let numbers = (0..self.records()).filter(|number| of_client(&self.of[*number]));
        let mut entries: Vec<Entry> = numbers.map(|number| self.entry(topic, number)).collect();
        entries.sort();
        Some(entries)
    }

    fn entry(&self, topic: &str, number: usize) -> Entry {
        let (partition, offset) = (number % self.partitions, number / self.partitions);
        Entry {
            source: format!("{topic}/{partition}/{offset}/0"),
            kind: "order.shipped".into(),
            data: payload(number),
        }
    }
}

impl Client {
    fn id(self) -> String {
        match self {
            Client::Begin(partition) => format!("begin-{partition}"),
            Client::End(partition) => format!("end-{partition}"),
            Client::Number(number) => format!("client-{number}"),
        }
    }
}

/// The sums of 1/k up to each k.
fn cumulated(clients: usize) -> Vec<f64> {
    let sum = |sum: &mut f64, rank| {
        *sum += 1.0 / rank as f64;
        Some(*sum)
    };
    (1..=clients).scan(0.0, sum).collect()
}

fn small(number: usize, client: &str) -> String {
    format!(
        r#"{{"clientId":"{client}","eventType":"t","eventId":"{number}","text":"record {number}"}}"#
    )
}

fn notification(number: usize, client: &str) -> String {
    format!(
        r#"{{"eventId":"event-{number:07}","eventType":"order.shipped","clientId":"{client}","notificationId":"notification-{number:07}","message":"{}","correlationId":"correlation-{number:07}","requestedDateTime":"2026-11-21T08:00:00Z"}}"#,
        message(number)
    )
}

/// The schema of a notification.
pub const AVRO: &str = r#"{"type":"record","name":"Notification","fields":[
    {"name":"eventId","type":"string"},{"name":"eventType","type":"string"},{"name":"clientId","type":"string"},
    {"name":"notificationId","type":"string"},{"name":"message","type":"string"},
    {"name":"correlationId","type":"string"},{"name":"requestedDateTime","type":"string"}]}"#;

/// The fields of a notification, in the order of the schema.
fn fields(number: usize, client: &str) -> [String; 7] {
    [
        format!("event-{number:07}"),
        "order.shipped".into(),
        client.into(),
        format!("notification-{number:07}"),
        message(number),
        format!("correlation-{number:07}"),
        "2026-11-21T08:00:00Z".into(),
    ]
}

fn payload(number: usize) -> String {
    format!(
        r#"{{"id":"event-{number:07}","notificationId":"notification-{number:07}","message":"{}","correlationId":"correlation-{number:07}","requestedAt":"2026-11-21T08:00:00Z"}}"#,
        message(number)
    )
}

fn message(number: usize) -> String {
    format!("Your order {number} is on its way to you and will be there on Monday at noon")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_begins_and_ends_with_its_own_clients() {
        let work = Workload::new(1000, 4, 10, Spread::Zipf, Content::Notification);
        let keys: Vec<String> = work
            .messages()
            .map(|message| String::from_utf8(message.key.unwrap()).unwrap())
            .collect();
        for partition in 0..4 {
            let of: Vec<_> = keys.iter().skip(partition).step_by(4).collect();
            assert_eq!(*of[0], format!("begin-{partition}"));
            assert_eq!(**of.last().unwrap(), format!("end-{partition}"));
        }
        let of = |client| work.entries("t", client).unwrap().len();
        assert_eq!((0..10).map(of).sum::<usize>(), 1000 - 8);
        assert!(of(0) > 2 * of(5));
    }
}
