//! What librdkafka tells a consumer that reads for people.

use super::connection::Quiet;
use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Of a consumer: what it is assigned, and what it complains of.
#[derive(Default)]
pub(super) struct Member {
    pub quiet: Quiet,
    assigned: Mutex<Option<BTreeSet<i32>>>,
}

impl Member {
    /// The partitions that are its own; none at all before it is a member.
    pub fn assigned(&self) -> MutexGuard<'_, Option<BTreeSet<i32>>> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.quiet.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.quiet.error(error, reason);
    }
}

impl ConsumerContext for Member {
    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let of = |list: &TopicPartitionList| -> BTreeSet<i32> {
            list.elements()
                .iter()
                .map(TopicPartitionListElem::partition)
                .collect()
        };
        let mut assigned = self.assigned();
        match rebalance {
            Rebalance::Assign(list) => assigned.get_or_insert_default().extend(of(list)),
            Rebalance::Revoke(list) => {
                let revoked = of(list);
                if let Some(assigned) = assigned.as_mut() {
                    assigned.retain(|partition| !revoked.contains(partition));
                }
            }
            Rebalance::Error(_) => {}
        }
    }
}
