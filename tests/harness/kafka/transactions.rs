use super::produce::send;
use super::{Kafka, Message, unique};
use rdkafka::producer::{BaseProducer, Producer};
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(60);

/// A transactional producer, with one transaction at a time. Several of them can write into one
/// another's midst.
pub struct Transactions(BaseProducer);

impl Kafka {
    /// A new transactional producer.
    pub fn transactions(&self) -> Transactions {
        let mut config = self.client();
        config.set("transactional.id", unique("transactions"));
        config.set("linger.ms", "2");
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(ANSWER).unwrap();
        Transactions(producer)
    }
}

impl Transactions {
    /// Begins one.
    pub fn begin(&self) {
        self.0.begin_transaction().unwrap();
    }

    /// Returns when Kafka has these in its log, whatever becomes of the transaction.
    pub fn produce(&self, topic: &str, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            send(&self.0, topic, &message).unwrap();
        }
        self.0.flush(ANSWER).unwrap();
    }

    /// What was produced since it began is to be read.
    pub fn commit(&self) {
        self.0.commit_transaction(ANSWER).unwrap();
    }

    /// What was produced since it began is never to be read, though the log has it.
    pub fn abort(&self) {
        self.0.abort_transaction(ANSWER).unwrap();
    }
}
