//! The callbacks of a consumer that reads for the command line.

use crate::kafka::connection::Quiet;
use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The assignment and the errors of a consumer.
#[derive(Default)]
pub(in crate::kafka) struct Member {
    pub quiet: Quiet,
    assigned: Mutex<Option<Assigned>>,
}

/// The assigned partitions, and whether each is read to its end. A revoked
/// partition is removed, since another member continues it.
pub(in crate::kafka) type Assigned = BTreeMap<i32, bool>;

impl Member {
    /// Its partitions; `None` before the first assignment.
    pub fn assigned(&self) -> MutexGuard<'_, Option<Assigned>> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets whether a partition, if still assigned, is read to its end.
    pub fn ended(&self, partition: i32, has_ended: bool) {
        let mut assigned = self.assigned();
        if let Some(ended) = assigned.as_mut().and_then(|all| all.get_mut(&partition)) {
            *ended = has_ended;
        }
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
        let of = |list: &TopicPartitionList| -> Assigned {
            let ids = list.elements();
            let ids = ids.iter().map(TopicPartitionListElem::partition);
            ids.map(|id| (id, false)).collect()
        };
        let mut assigned = self.assigned();
        match rebalance {
            Rebalance::Assign(list) => assigned.get_or_insert_default().extend(of(list)),
            Rebalance::Revoke(list) => {
                let revoked = of(list);
                if let Some(assigned) = assigned.as_mut() {
                    assigned.retain(|partition, _| !revoked.contains_key(partition));
                }
            }
            Rebalance::Error(_) => {}
        }
    }
}
