use super::produce::send;
use super::{Kafka, Message, unique};
use rdkafka::producer::{BaseProducer, Producer};
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(60);

/// A transactional producer with one transaction at a time. The transactions of several producers
/// can overlap.
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
    /// Begins a transaction.
    pub fn begin(&self) {
        self.0.begin_transaction().unwrap();
    }

    /// Returns when Kafka has these in its log, whether the transaction commits or not.
    pub fn produce(&self, topic: &str, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            send(&self.0, topic, &message).unwrap();
        }
        self.0.flush(ANSWER).unwrap();
    }

    /// Makes the records produced since the beginning visible.
    pub fn commit(&self) {
        self.0.commit_transaction(ANSWER).unwrap();
    }

    /// Leaves the records produced since the beginning in the log, but never visible.
    pub fn abort(&self) {
        self.0.abort_transaction(ANSWER).unwrap();
    }
}
