//! Converts librdkafka's results about groups to plain data.

use super::offsets::entries;
use crate::kafka::cluster_error::Doing;
use crate::kafka::native::ask::{Code, text};
use crate::kafka::native::call::error;
use crate::kafka::{ClusterError, Group, Member};
use rdkafka::bindings as sys;
use std::ptr;

/// The partitions of the single group of a result, unless it is an error.
///
/// # Safety
/// The results are live and outlive the returned value.
pub(in crate::kafka) unsafe fn group_result<'a>(
    results: &[*const sys::rd_kafka_group_result_t],
) -> Result<&'a [sys::rd_kafka_topic_partition_t], (Code, String)> {
    let said_nothing = || {
        let code = Code::RD_KAFKA_RESP_ERR_UNKNOWN;
        (code, "Kafka returned no result".into())
    };
    let result = *results.first().ok_or_else(said_nothing)?;
    // SAFETY: by this function's safety contract.
    unsafe {
        match error(sys::rd_kafka_group_result_error(result)) {
            Some(refused) => Err(refused),
            None => Ok(entries(sys::rd_kafka_group_result_partitions(result))),
        }
    }
}

/// A group without its offsets.
///
/// # Safety
/// `found` is live.
pub(in crate::kafka) unsafe fn described(
    found: *const sys::rd_kafka_ConsumerGroupDescription_t,
    group: &str,
    doing: &Doing,
) -> Result<Group, ClusterError> {
    // SAFETY: by this function's safety contract; all data that is read belongs
    // to it.
    unsafe {
        let dead = match error(sys::rd_kafka_ConsumerGroupDescription_error(found)) {
            Some((Code::RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND, _)) => true,
            Some((code, why)) => return Err(doing.failed(code, &why)),
            None => false,
        };
        let coordinator = sys::rd_kafka_ConsumerGroupDescription_coordinator(found);
        let count = sys::rd_kafka_ConsumerGroupDescription_member_count(found);
        let members =
            (0..count).map(|at| member(sys::rd_kafka_ConsumerGroupDescription_member(found, at)));
        let mut members: Vec<Member> = members.collect();
        members.sort_by(|a, b| (&a.client, &a.id).cmp(&(&b.client, &b.id)));
        Ok(Group {
            name: group.into(),
            state: match dead {
                true => "Dead".into(),
                false => state(sys::rd_kafka_ConsumerGroupDescription_state(found)),
            },
            assignor: text(sys::rd_kafka_ConsumerGroupDescription_partition_assignor(
                found,
            )),
            coordinator: (!coordinator.is_null()).then(|| sys::rd_kafka_Node_id(coordinator)),
            members,
            offsets: Vec::new(),
        })
    }
}

/// # Safety
/// `member` is live.
unsafe fn member(member: *const sys::rd_kafka_MemberDescription_t) -> Member {
    // SAFETY: by this function's safety contract; all data that is read belongs
    // to it.
    unsafe {
        let instance = sys::rd_kafka_MemberDescription_group_instance_id(member);
        let assignment = sys::rd_kafka_MemberDescription_assignment(member);
        let assigned = match assignment.is_null() {
            true => ptr::null(),
            false => sys::rd_kafka_MemberAssignment_partitions(assignment),
        };
        let partitions = entries(assigned).iter();
        let mut partitions: Vec<_> = partitions
            .map(|one| (text(one.topic), one.partition))
            .collect();
        partitions.sort();
        Member {
            id: text(sys::rd_kafka_MemberDescription_consumer_id(member)),
            client: text(sys::rd_kafka_MemberDescription_client_id(member)),
            instance: (!instance.is_null())
                .then(|| text(instance))
                .filter(|text| !text.is_empty()),
            host: text(sys::rd_kafka_MemberDescription_host(member))
                .trim_start_matches('/')
                .into(),
            partitions,
        }
    }
}

/// Kafka's name for a state.
pub(in crate::kafka) fn state(state: sys::rd_kafka_consumer_group_state_t) -> String {
    // SAFETY: the names are static C strings.
    unsafe { text(sys::rd_kafka_consumer_group_state_name(state)) }
}
