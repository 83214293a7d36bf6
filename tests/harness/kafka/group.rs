use super::Kafka;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(30);

impl Kafka {
    /// The number of offsets between the group's commits and the topic's end, as tools count lag. A
    /// partition without a commit counts from 0.
    pub fn lag(&self, group: &str, topic: &str) -> i64 {
        let mut config = self.client();
        config.set("group.id", group); // never joins the group
        config.set("isolation.level", "read_uncommitted"); // the end includes open transactions
        let client: BaseConsumer = config.create().unwrap();
        let mut asked = TopicPartitionList::new();
        for partition in self.partitions(topic) {
            asked.add_partition(topic, partition);
        }
        let committed = client.committed_offsets(asked, ANSWER).unwrap();
        let behind = committed.elements().into_iter().map(|of| {
            let ends = client.fetch_watermarks(topic, of.partition(), ANSWER);
            ends.unwrap().1 - of.offset().to_raw().unwrap_or(0).max(0)
        });
        behind.sum()
    }
}
