use super::{Kafka, Message};
use anyhow::{Context as _, Result};
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use std::sync::OnceLock;
use std::time::Duration;

/// How long a record may take, including a restart of the broker.
const DELIVERY: Duration = Duration::from_secs(60);

/// Remembers the first record that Kafka refuses.
#[derive(Default)]
struct Refusals(OnceLock<KafkaError>);

impl ClientContext for Refusals {}

impl ProducerContext for Refusals {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.0.get_or_init(|| error.clone());
        }
    }
}

impl Kafka {
    /// Produces these in order and returns when Kafka has all of them; panics if it refuses one.
    pub fn produce(&self, topic: &str, messages: impl IntoIterator<Item = Message>) {
        self.try_produce(topic, messages).unwrap();
    }

    /// Like [`Kafka::produce`], compressed by the producer.
    pub fn produce_compressed(&self, topic: &str, messages: impl IntoIterator<Item = Message>) {
        let codec = [("compression.codec", "zstd")];
        self.produce_with(&codec, topic, messages).unwrap();
    }

    /// Like [`Kafka::produce`], but returns the error; some of the records may be stored then.
    pub fn try_produce(
        &self,
        topic: &str,
        messages: impl IntoIterator<Item = Message>,
    ) -> Result<()> {
        self.produce_with(&[], topic, messages)
    }

    fn produce_with(
        &self,
        properties: &[(&str, &str)],
        topic: &str,
        messages: impl IntoIterator<Item = Message>,
    ) -> Result<()> {
        let producer = self.producer(properties)?;
        for message in messages {
            send(&producer, topic, &message).with_context(|| format!("producing to {topic}"))?;
        }
        // Not `flush`, which may sleep 100 ms. This ends, as each record has a timeout.
        while producer.in_flight_count() > 0 {
            producer.poll(Duration::from_millis(10));
        }
        match producer.context().0.get() {
            Some(error) => Err(error.clone()).with_context(|| format!("producing to {topic}")),
            None => Ok(()),
        }
    }

    /// A new producer for each call. It is not idempotent: that costs half a second at each start,
    /// and an idempotent producer that is kept fails for good when a topic is recreated. So the
    /// order is kept, but if a broker dies before it answers, a record may be stored twice.
    fn producer(&self, properties: &[(&str, &str)]) -> Result<BaseProducer<Refusals>> {
        let mut config = self.client();
        for (name, value) in properties {
            config.set(*name, *value);
        }
        config.set("acks", "all");
        config.set("max.in.flight", "1"); // keeps the order when a record is sent again
        config.set("linger.ms", "2");
        config.set("batch.num.messages", "20000");
        config.set("message.max.bytes", "100000000"); // lets the broker refuse large records
        config.set("message.timeout.ms", DELIVERY.as_millis().to_string());
        Ok(config.create_with_context(Refusals::default())?)
    }
}

/// Hands the record to the producer; waits while its queue is full.
pub(super) fn send<C>(producer: &BaseProducer<C>, topic: &str, message: &Message) -> Result<()>
where
    C: ProducerContext<DeliveryOpaque = ()>,
{
    let mut record = base_record(topic, message);
    loop {
        record = match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => back,
            Err((error, _)) => return Err(error.into()),
        };
        producer.poll(Duration::from_millis(10)); // waits for room in the queue
    }
}

fn base_record<'a>(topic: &'a str, message: &'a Message) -> BaseRecord<'a, [u8], [u8]> {
    let mut record = BaseRecord::to(topic);
    record.partition = message.partition;
    record.key = message.key.as_deref();
    record.payload = message.value.as_deref();
    record.timestamp = message.timestamp;
    record.headers = headers(&message.headers);
    record
}

fn headers(headers: &[(String, Option<Vec<u8>>)]) -> Option<OwnedHeaders> {
    let some = OwnedHeaders::new_with_capacity(headers.len());
    let all = headers.iter().fold(some, |all, (key, value)| {
        let value = value.as_ref();
        all.insert(Header { key, value })
    });
    (!headers.is_empty()).then_some(all)
}
