//! Finding out where partitions begin, on a thread that may block: the one that
//! polls the group must not.

use super::context::Context;
use super::{Cluster, Partitions, Start};
use crate::process;
use crate::record::TopicPartition;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// How often the pipeline may look after its partitions.
const LOOK_AFTER: Duration = Duration::from_millis(250);

type Found = Vec<(TopicPartition, Start)>;

/// Answers where partitions begin. One question at a time: the group waits for
/// its answer.
pub(super) struct StartFinder {
    ask: SyncSender<Vec<TopicPartition>>,
    found: Receiver<Found>,
}

impl StartFinder {
    /// Starts its thread, which ends when this is dropped or the pipeline
    /// stops.
    pub fn start(
        name: &str,
        consumer: Arc<BaseConsumer<Context>>,
        partitions: Arc<dyn Partitions>,
    ) -> std::io::Result<StartFinder> {
        let (ask, asked) = sync_channel(1);
        let (answer, found) = sync_channel(1);
        let finding = Finding {
            cluster: Cluster { consumer },
            partitions,
            asked,
            answer,
        };
        let pipeline = finding.partitions.clone();
        let may_end = move || pipeline.stopping();
        process::thread(format!("start-{name}"), may_end, || finding.run())?;
        Ok(StartFinder { ask, found })
    }

    /// Asks where these begin; hands them back while it is still asked for
    /// others.
    pub fn ask(&self, partitions: Vec<TopicPartition>) -> Option<Vec<TopicPartition>> {
        match self.ask.try_send(partitions) {
            Err(TrySendError::Full(partitions)) => Some(partitions),
            // Its thread has ended: the pipeline is stopping.
            Ok(()) | Err(TrySendError::Disconnected(_)) => None,
        }
    }

    /// Where those begin that were asked for, once that is known.
    pub fn found(&self) -> Option<Found> {
        self.found.try_recv().ok()
    }
}

struct Finding {
    cluster: Cluster,
    partitions: Arc<dyn Partitions>,
    asked: Receiver<Vec<TopicPartition>>,
    answer: SyncSender<Found>,
}

impl Finding {
    fn run(self) {
        loop {
            match self.asked.recv_timeout(LOOK_AFTER) {
                Ok(list) => {
                    let Some(found) = self.find(list) else { return };
                    if self.answer.send(found).is_err() {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.look_after(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// `None` when the pipeline stops first.
    fn find(&self, list: Vec<TopicPartition>) -> Option<Found> {
        let start = |partition: TopicPartition| {
            let start = self.partitions.start(&partition, &self.cluster)?;
            Some((partition, start))
        };
        list.into_iter().map(start).collect()
    }

    fn look_after(&self) {
        let reopen = self.partitions.look_after(&self.cluster);
        let context = self.cluster.consumer.context();
        context.group().reopen.extend(reopen);
    }
}
