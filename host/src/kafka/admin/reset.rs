//! Sets the offsets of a group from outside.

use super::group_answers::group_result;
use super::groups::{doing, settled};
use super::offsets::{Offsets, entry, partitions};
use crate::kafka::native::ask::Op;
use crate::kafka::native::call::{Owned, list, name};
use crate::kafka::{ClusterError, Connection, OffsetSpec};
use rdkafka::bindings as sys;

/// What to move.
pub struct Wanted {
    /// The group.
    pub group: String,
    /// Only this topic, whether the group has read it or not.
    pub topic: Option<String>,
    /// Only these partitions; all, if empty.
    pub partitions: Vec<i32>,
    /// The new offset.
    pub to: OffsetSpec,
    /// Reset even if a pipeline's ledger keeps the group's offsets.
    pub force: bool,
}

/// A group's new offset in a partition.
#[derive(Clone, Debug)]
pub struct Move {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The previously committed offset.
    pub from: Option<i64>,
    /// The next offset that it reads.
    pub to: i64,
}

impl Connection {
    /// Resets a group's offsets, or only reports what would change.
    ///
    /// # Errors
    /// When the group has members or belongs to a pipeline, when there is nothing to reset, or when
    /// Kafka refuses.
    pub fn reset(&self, wanted: &Wanted, dry_run: bool) -> Result<Vec<Move>, ClusterError> {
        let group = &wanted.group;
        let members = settled(|| self.members(group))?.members.len();
        if members > 0 {
            let group = group.clone();
            return Err(ClusterError::Active { group, members });
        }
        let committed = settled(|| self.committed(group))?;
        let which = self.which(wanted, &committed.offsets)?;
        let mut ledgers = which.iter().map(|(topic, _)| topic);
        if let Some(topic) = ledgers.find(|topic| committed.ledgers.contains(*topic))
            && !wanted.force
        {
            let (group, topic) = (group.clone(), topic.clone());
            return Err(ClusterError::Ledger { group, topic });
        }
        let targets = self.offsets_of(&which, wanted.to)?;
        if targets.is_empty() {
            let why = "the topics that it has read no longer exist";
            return Err(doing("reset", "Read", group).refused(why));
        }
        if !dry_run {
            settled(|| self.commit_for(group, &targets))?;
        }
        let moved = |((topic, partition), to): ((String, i32), i64)| {
            let from = committed.offsets.get(&(topic.clone(), partition)).copied();
            Move {
                topic,
                partition,
                from,
                to,
            }
        };
        Ok(targets.into_iter().map(moved).collect())
    }

    fn which(
        &self,
        wanted: &Wanted,
        committed: &Offsets,
    ) -> Result<Vec<(String, i32)>, ClusterError> {
        let Some(topic) = &wanted.topic else {
            return match committed.is_empty() {
                true => Err(self.nothing_committed(&wanted.group)),
                false => self.all_partitions(committed),
            };
        };
        self.topic(topic)?.choose(&wanted.partitions)
    }

    /// All partitions of the topics with a commit. In partitions without a
    /// commit, readers would otherwise start by their own rule.
    fn all_partitions(&self, committed: &Offsets) -> Result<Vec<(String, i32)>, ClusterError> {
        let mut all = Vec::new();
        let read = |name: &str| committed.keys().any(|(topic, _)| topic == name);
        for topic in self.topics_where(read)? {
            all.extend(topic.choose(&[])?);
        }
        Ok(all)
    }

    fn nothing_committed(&self, group: &str) -> ClusterError {
        let known = self.groups().map_or_else(|_| Vec::new(), |all| all.groups);
        match known.iter().any(|listed| listed.group == *group) {
            false => self.no_group(group),
            true => doing("reset", "Read", group)
                .refused("it has no committed offsets; name a topic with --topic"),
        }
    }

    fn commit_for(&self, group: &str, offsets: &Offsets) -> Result<(), ClusterError> {
        let doing = doing("reset", "Read", group).changing(false);
        let text = name(group, &doing)?;
        let wanted = offsets
            .iter()
            .map(|((topic, partition), offset)| (topic, *partition, *offset));
        let wanted = partitions(wanted);
        // SAFETY: the request copies the list, and we own it until after the
        // call, which copies it; the event owns the data that is read from it.
        unsafe {
            let wish = Owned::new(
                sys::rd_kafka_AlterConsumerGroupOffsets_new(text.as_ptr(), wanted.ptr()),
                sys::rd_kafka_AlterConsumerGroupOffsets_destroy,
            );
            let mut wishes = [wish.ptr()];
            let op = Op::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS;
            let event = self.ask(op, &doing, false, |kafka, ask| {
                let list = wishes.as_mut_ptr();
                sys::rd_kafka_AlterConsumerGroupOffsets(kafka, list, 1, ask.options, ask.queue);
            })?;
            let result = sys::rd_kafka_event_AlterConsumerGroupOffsets_result(event.0);
            let mut count = 0;
            let groups =
                sys::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &raw mut count);
            let moved = group_result(list(groups, count));
            for found in moved.map_err(|(code, why)| doing.failed(code, &why))? {
                entry(found, &doing)?;
            }
        }
        Ok(())
    }
}
