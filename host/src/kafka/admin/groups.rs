//! Consumer groups: their members and offsets.

use super::group::{Group, GroupOffset, Listed, Member};
use super::group_answers::{described, group_result, state};
use super::offsets::{Offsets, entry, metadata};
use crate::kafka::cluster_error::{Doing, nearest};
use crate::kafka::native::ask::{Code, Op, text};
use crate::kafka::native::call::{Owned, PATIENCE, error, list, name};
use crate::kafka::{ClusterError, Connection};
use rdkafka::bindings as sys;
use std::collections::BTreeSet;
use std::ffi::c_char;
use std::ptr;
use std::time::{Duration, Instant};

/// The groups of all brokers that answered.
#[derive(Debug)]
pub struct Listing {
    /// By name.
    pub groups: Vec<Listed>,
    /// Why some may be missing: the error of a broker.
    pub broken: Option<ClusterError>,
}

/// The prefix of the metadata that the daemon commits with each offset
/// (`pipeline/partition/commit_mark.rs`).
const MARK: &[u8] = b"millstream ";

/// The committed offsets of a group.
#[derive(Default)]
pub(in crate::kafka) struct Committed {
    pub offsets: Offsets,
    /// Topics whose offsets are kept in a pipeline's ledger.
    pub ledgers: BTreeSet<String>,
}

impl Connection {
    /// All groups that we are allowed to see.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn groups(&self) -> Result<Listing, ClusterError> {
        let doing = Doing::new("list the groups", "Describe", "the cluster or the groups");
        // SAFETY: the event owns the data that is read from it.
        let (mut groups, broken): (Vec<Listed>, _) = unsafe {
            let op = Op::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS;
            let event = self.ask(op, &doing, false, |kafka, ask| {
                sys::rd_kafka_ListConsumerGroups(kafka, ask.options, ask.queue);
            })?;
            let result = sys::rd_kafka_event_ListConsumerGroups_result(event.0);
            let mut count = 0;
            let errors = sys::rd_kafka_ListConsumerGroups_result_errors(result, &raw mut count);
            let broken = list(errors, count).iter().find_map(|one| error(*one));
            let groups = sys::rd_kafka_ListConsumerGroups_result_valid(result, &raw mut count);
            let listed = |one: &*const sys::rd_kafka_ConsumerGroupListing_t| Listed {
                group: text(sys::rd_kafka_ConsumerGroupListing_group_id(*one)),
                state: state(sys::rd_kafka_ConsumerGroupListing_state(*one)),
            };
            (list(groups, count).iter().map(listed).collect(), broken)
        };
        groups.sort_by(|a, b| a.group.cmp(&b.group));
        let broken = broken.map(|(code, why)| doing.failed(code, &why));
        Ok(Listing { groups, broken })
    }

    /// A group with its members and offsets.
    ///
    /// # Errors
    /// When it does not exist, or describing it is not allowed.
    pub fn group(&self, group: &str) -> Result<Group, ClusterError> {
        let mut found = settled(|| self.members(group))?;
        let committed = settled(|| self.committed(group))?.offsets;
        if committed.is_empty() && found.members.is_empty() && found.state != "Empty" {
            return Err(self.no_group(group));
        }
        found.offsets = self.group_offsets(&found.members, &committed)?;
        Ok(found)
    }

    pub(in crate::kafka) fn no_group(&self, group: &str) -> ClusterError {
        let listed = self.groups().map_or_else(|_| Vec::new(), |all| all.groups);
        let names: Vec<String> = listed.into_iter().map(|listed| listed.group).collect();
        ClusterError::NoGroup {
            group: group.into(),
            nearest: nearest(group, &names),
        }
    }

    /// A group without its offsets; one that does not exist is `Dead`.
    pub(in crate::kafka) fn members(&self, group: &str) -> Result<Group, ClusterError> {
        let doing = doing("describe", "Describe", group);
        let text = name(group, &doing)?;
        let mut names: [*const c_char; 1] = [text.as_ptr()];
        // SAFETY: the names outlive the call; the event owns the data that is
        // read from it.
        unsafe {
            let op = Op::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;
            let event = self.ask(op, &doing, false, |kafka, ask| {
                let (options, queue) = (ask.options, ask.queue);
                sys::rd_kafka_DescribeConsumerGroups(kafka, names.as_mut_ptr(), 1, options, queue);
            })?;
            let result = sys::rd_kafka_event_DescribeConsumerGroups_result(event.0);
            let mut count = 0;
            let groups = sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
            let found = list(groups, count).first();
            let found = *found.ok_or_else(|| doing.refused("Kafka returned no result"))?;
            described(found, group, &doing)
        }
    }

    /// The committed offsets of a group.
    pub(in crate::kafka) fn committed(&self, group: &str) -> Result<Committed, ClusterError> {
        let doing = doing("read the offsets of", "Describe", group);
        let text = name(group, &doing)?;
        // SAFETY: we own the request until after the call, which copies it; the
        // event owns the data that is read from it.
        unsafe {
            let question = Owned::new(
                sys::rd_kafka_ListConsumerGroupOffsets_new(text.as_ptr(), ptr::null_mut()),
                sys::rd_kafka_ListConsumerGroupOffsets_destroy,
            );
            let mut questions = [question.ptr()];
            let op = Op::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS;
            let event = self.ask(op, &doing, false, |kafka, ask| {
                let list = questions.as_mut_ptr();
                sys::rd_kafka_ListConsumerGroupOffsets(kafka, list, 1, ask.options, ask.queue);
            })?;
            let result = sys::rd_kafka_event_ListConsumerGroupOffsets_result(event.0);
            let mut count = 0;
            let groups =
                sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count);
            let offsets = match group_result(list(groups, count)) {
                // A group that never existed has no offsets.
                Err((Code::RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND, _)) => &[],
                found => found.map_err(|(code, why)| doing.failed(code, &why))?,
            };
            let mut committed = Committed::default();
            for found in offsets.iter().filter(|found| found.offset >= 0) {
                let (partition, offset) = entry(found, &doing)?;
                if metadata(found).starts_with(MARK) {
                    committed.ledgers.insert(partition.0.clone());
                }
                committed.offsets.insert(partition, offset);
            }
            Ok(committed)
        }
    }

    fn group_offsets(
        &self,
        members: &[Member],
        committed: &Offsets,
    ) -> Result<Vec<GroupOffset>, ClusterError> {
        let held = |(index, member): (usize, &Member)| {
            let partitions = member.partitions.clone();
            partitions.into_iter().map(move |one| (one, index))
        };
        let held: std::collections::BTreeMap<_, _> =
            members.iter().enumerate().flat_map(held).collect();
        let all: std::collections::BTreeSet<_> =
            held.keys().chain(committed.keys()).cloned().collect();
        let all: Vec<_> = all.into_iter().collect();
        let ends = self.known_ends(&all)?;
        let offset = |partition: (String, i32)| GroupOffset {
            committed: committed.get(&partition).copied(),
            end: ends.get(&partition).copied(),
            member: held.get(&partition).copied(),
            topic: partition.0,
            partition: partition.1,
        };
        Ok(all.into_iter().map(offset).collect())
    }

    /// The ends of the partitions that exist and have leaders: a group's commits
    /// may outlive their topic.
    fn known_ends(&self, of: &[(String, i32)]) -> Result<Offsets, ClusterError> {
        let mut ends = Offsets::new();
        for topic in self.topics_where(|name| of.iter().any(|(topic, _)| topic == name))? {
            let of_topic = match self.ends(&topic) {
                Err(_) if self.topics_where(|name| name == topic.name)?.is_empty() => continue,
                of_topic => of_topic?.into_iter(),
            };
            ends.extend(of_topic.map(|(id, ends)| ((topic.name.clone(), id), ends.latest)));
        }
        Ok(ends)
    }
}

/// Retries for a while if the coordinator is not available yet.
pub(in crate::kafka) fn settled<T>(
    mut ask: impl FnMut() -> Result<T, ClusterError>,
) -> Result<T, ClusterError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Err(ClusterError::Busy { .. }) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(100));
            }
            other => return other,
        }
    }
}

pub(in crate::kafka) fn doing(what: &str, operation: &'static str, group: &str) -> Doing {
    let resource = format!("the group {group}");
    Doing::new(format!("{what} {resource}"), operation, resource)
}
