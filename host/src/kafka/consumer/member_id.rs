//! The ID of a pipeline's member in its consumer group.

use super::member_slot::MemberSlot;
use super::options::GroupConsumerOptions;
use crate::kafka::membership::Membership;
use anyhow::Context;
use std::path::Path;

/// Where a member has its ID from.
pub(super) enum MemberId {
    /// From Kafka.
    Dynamic,
    /// From the configuration. The member keeps its partitions when it stops: they wait for the next
    /// run.
    Configured(String),
    /// From a member slot.
    Slot(&'static MemberSlot),
}

impl MemberId {
    /// The ID of the pipeline's member, whose topics have this many partitions. If it comes from a
    /// slot, this process holds the slot until it ends.
    pub fn of(options: &GroupConsumerOptions, counts: Option<&[usize]>) -> MemberId {
        let GroupConsumerOptions { name, kafka, .. } = options;
        if let Some(id) = kafka.configured_member_id(name) {
            return MemberId::Configured(id);
        }
        let Membership::Static(folder) = &kafka.membership else {
            return MemberId::Dynamic;
        };
        match slot(options, folder.as_deref(), counts) {
            Ok(slot) => {
                say(name, &slot.id());
                MemberId::Slot(slot.hold())
            }
            Err(reason) => {
                tracing::warn!(
                    pipeline = name,
                    reason,
                    "dynamic member of the consumer group: after a kill, its partitions wait \
                     until the session times out"
                );
                MemberId::Dynamic
            }
        }
    }

    /// The ID, if the member is static.
    pub fn get(&self) -> Option<String> {
        match self {
            MemberId::Dynamic => None,
            MemberId::Configured(id) => Some(id.clone()),
            MemberId::Slot(slot) => Some(slot.id()),
        }
    }

    /// Has the slot that it comes from give another one, since Kafka refuses this one.
    ///
    /// # Errors
    /// When the slot can't be written.
    pub fn renew(&self, pipeline: &str) -> anyhow::Result<()> {
        if let MemberId::Slot(slot) = self {
            slot.renew().context("can't write the member slot")?;
            say(pipeline, &slot.id());
        }
        Ok(())
    }

    /// The slot that it comes from.
    pub fn slot(&self) -> Option<&'static MemberSlot> {
        match self {
            MemberId::Slot(slot) => Some(slot),
            _ => None,
        }
    }
}

/// Takes a slot of this pipeline, group and cluster. So a process that restarts finds its slot
/// free, whatever else runs for this user.
///
/// Another subscription gives another ID. If a known ID comes back, the coordinator repeats the
/// member's last assignment, without a rebalance. Partitions that are new since then would have no
/// reader until the next one.
fn slot(
    options: &GroupConsumerOptions,
    folder: Option<&Path>,
    counts: Option<&[usize]>,
) -> Result<MemberSlot, String> {
    let none = "no state folder is known: set [kafka] state-dir";
    let folder = folder.ok_or(none)?;
    let unknown = "Kafka did not answer how many partitions the topics have";
    let counts = counts.ok_or(unknown)?;
    let servers = &options.kafka.bootstrap_servers;
    let member = format!("{servers}\n{}\n{}", options.group, options.name);
    let mut topics: Vec<_> = options.topics.iter().zip(counts).collect();
    topics.sort();
    MemberSlot::take(folder, &member, &format!("{topics:?}"))
        .map_err(|why| format!("can't use the state folder {}: {why}", folder.display()))
}

fn say(pipeline: &str, id: &str) {
    tracing::info!(pipeline, id, "static member of the consumer group");
}
