//! The ID of a pipeline's member in its consumer group.

use super::GroupConsumerOptions;
use super::member_slot::MemberSlot;
use crate::kafka::membership::Membership;

/// Where a member has its ID from.
pub(super) enum MemberId {
    /// From Kafka.
    Dynamic,
    /// From the configuration. The member keeps its partitions when it stops: they wait for the next
    /// run.
    Configured(String),
    /// From a member slot.
    Slot(String),
}

impl MemberId {
    /// The ID of the pipeline's member. If it comes from a slot, this process holds the slot until
    /// it ends.
    pub fn of(options: &GroupConsumerOptions) -> MemberId {
        let GroupConsumerOptions {
            name, kafka, group, ..
        } = options;
        if let Some(id) = kafka.configured_member_id(name) {
            return MemberId::Configured(id);
        }
        let Membership::Static(folder) = &kafka.membership else {
            return MemberId::Dynamic;
        };
        // Another pipeline, group or cluster has slots of its own. So a process that restarts
        // finds its slot free, whatever else runs for this user.
        let member = format!("{}\n{group}\n{name}", kafka.bootstrap_servers);
        let taken = match folder {
            Some(folder) => MemberSlot::take(folder, &member),
            None => Err("none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is set".into()),
        };
        let folder = folder.clone().unwrap_or_default();
        let folder = folder.display();
        match taken {
            Ok(slot) => {
                let id = slot.hold();
                tracing::info!(pipeline = name, id, "static member of the consumer group");
                MemberId::Slot(id)
            }
            Err(reason) => {
                tracing::warn!(
                    pipeline = name,
                    %folder,
                    reason,
                    "can't use the state folder: after a kill, the partitions wait until the \
                     session of the killed daemon times out"
                );
                MemberId::Dynamic
            }
        }
    }

    /// The ID, if the member is static.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            MemberId::Dynamic => None,
            MemberId::Configured(id) | MemberId::Slot(id) => Some(id),
        }
    }

    /// What to do when another member has taken the ID.
    pub fn if_fenced(&self) -> &'static str {
        match self {
            MemberId::Configured(_) => {
                "; another member joined with the same group.instance.id: give each daemon a \
                 unique one, such as \"${HOSTNAME}\""
            }
            _ => {
                "; another member joined with the ID that this daemon has from its state folder: \
                 give each daemon a [kafka] state-dir of its own, or set [kafka] membership = \
                 \"dynamic\""
            }
        }
    }
}
