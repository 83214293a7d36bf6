//! The first and last offsets of partitions, and offsets by time.

use crate::kafka::cluster_error::Doing;
use crate::kafka::native::ask::{Code, Op};
use crate::kafka::native::call;
use crate::kafka::native::call::{Owned, list};
use crate::kafka::offset_spec::OffsetSpec;
use crate::kafka::{ClusterError, Connection, Topic};
use rdkafka::bindings as sys;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};

/// The offsets of a partition: from `earliest` up to, not including, `latest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Its first offset.
    pub earliest: i64,
    /// The offset after its last.
    pub latest: i64,
}

/// By topic and partition.
pub(in crate::kafka) type Offsets = BTreeMap<(String, i32), i64>;

const EARLIEST: i64 = -2;
const LATEST: i64 = -1;

impl Connection {
    /// The ends of each partition of a topic that currently has a leader.
    ///
    /// # Errors
    /// When the cluster does not answer, or denies it.
    pub fn ends(&self, topic: &Topic) -> Result<BTreeMap<i32, Ends>, ClusterError> {
        let led = topic.partitions.iter().filter(|p| p.leader.is_some());
        let led: Vec<(String, i32)> = led.map(|p| (topic.name.clone(), p.id)).collect();
        let ends = self.ends_of(&led)?;
        Ok(ends
            .into_iter()
            .map(|((_, partition), ends)| (partition, ends))
            .collect())
    }

    pub(in crate::kafka) fn ends_of(
        &self,
        of: &[(String, i32)],
    ) -> Result<BTreeMap<(String, i32), Ends>, ClusterError> {
        let earliest = self.offsets_at(of, EARLIEST)?;
        let latest = self.offsets_at(of, LATEST)?;
        let both = earliest.into_iter().filter_map(|(partition, earliest)| {
            let latest = *latest.get(&partition)?;
            Some((partition, Ends { earliest, latest }))
        });
        Ok(both.collect())
    }

    /// The offset that `place` means in each of these partitions.
    ///
    /// # Errors
    /// When the cluster does not answer, or denies it; when an offset is outside
    /// a partition.
    pub(in crate::kafka) fn offsets_of(
        &self,
        of: &[(String, i32)],
        place: OffsetSpec,
    ) -> Result<Offsets, ClusterError> {
        match place {
            OffsetSpec::Earliest => self.offsets_at(of, EARLIEST),
            OffsetSpec::Latest => self.offsets_at(of, LATEST),
            OffsetSpec::Time(millis) => {
                // Negative times have special meanings in Kafka, and no record is
                // older than 1970.
                let mut found = self.offsets_at(of, millis.max(0))?;
                let beyond = found.iter().filter(|(_, offset)| **offset < 0);
                let beyond: Vec<_> = beyond.map(|(partition, _)| partition.clone()).collect();
                found.extend(self.offsets_at(&beyond, LATEST)?);
                Ok(found)
            }
            OffsetSpec::Offset(offset) => {
                let ends = self.ends_of(of)?.into_iter();
                ends.map(|(partition, ends)| held(partition, ends, offset))
                    .collect()
            }
            OffsetSpec::BeforeEnd(count) => {
                let ends = self.ends_of(of)?.into_iter();
                let before = |ends: Ends| ends.latest.saturating_sub(count).max(ends.earliest);
                Ok(ends.map(|(at, ends)| (at, before(ends))).collect())
            }
        }
    }

    /// `spec` is a time, or one of the two constants above.
    fn offsets_at(&self, of: &[(String, i32)], spec: i64) -> Result<Offsets, ClusterError> {
        if of.is_empty() {
            return Ok(Offsets::new());
        }
        let topics: Vec<&str> = of.iter().map(|(topic, _)| topic.as_str()).collect();
        let named = match topics.iter().all(|topic| *topic == topics[0]) {
            true => format!("the topic {}", topics[0]),
            false => "the topics".to_owned(),
        };
        let doing = Doing::new(format!("read the offsets of {named}"), "Describe", &named);
        // SAFETY: we own the list until it is destroyed, after the call, which
        // copies it; the event owns the data that is read from it.
        unsafe {
            let asked = partitions(
                of.iter()
                    .map(|(topic, partition)| (topic, *partition, spec)),
            );
            let op = Op::RD_KAFKA_ADMIN_OP_LISTOFFSETS;
            let event = self.ask(op, &doing, false, |kafka, ask| {
                sys::rd_kafka_ListOffsets(kafka, asked.ptr(), ask.options, ask.queue);
            })?;
            let result = sys::rd_kafka_event_ListOffsets_result(event.0);
            let mut count = 0;
            let infos = sys::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
            let infos = list(infos, count).iter();
            infos
                .map(|info| {
                    let found = &*sys::rd_kafka_ListOffsetsResultInfo_topic_partition(*info);
                    entry(found, &doing)
                })
                .collect()
        }
    }
}

/// The offset, if it is inside the partition.
fn held(at: (String, i32), ends: Ends, offset: i64) -> Result<((String, i32), i64), ClusterError> {
    let Ends { earliest, latest } = ends;
    if (earliest..=latest).contains(&offset) {
        return Ok((at, offset));
    }
    let (topic, partition) = at;
    Err(ClusterError::Refused {
        what: format!("start at offset {offset} of {topic}/{partition}"),
        why: format!("available offsets are {earliest} to {latest}"),
    })
}

type List = Owned<sys::rd_kafka_topic_partition_list_t>;

/// A list of partitions, each with an offset. Names with a NUL are skipped: no
/// topic has one.
pub(in crate::kafka) fn partitions<'a>(of: impl Iterator<Item = (&'a String, i32, i64)>) -> List {
    // SAFETY: it is created here and destroyed by its owner; names are copied,
    // and the list owns its entries.
    unsafe {
        let made = sys::rd_kafka_topic_partition_list_new(1);
        for (topic, partition, offset) in of {
            let Ok(topic) = CString::new(topic.as_str()) else {
                continue;
            };
            let added = sys::rd_kafka_topic_partition_list_add(made, topic.as_ptr(), partition);
            (*added).offset = offset;
        }
        Owned::new(made, sys::rd_kafka_topic_partition_list_destroy)
    }
}

/// A partition of a result, and its offset.
pub(in crate::kafka) fn entry(
    found: &sys::rd_kafka_topic_partition_t,
    doing: &Doing,
) -> Result<((String, i32), i64), ClusterError> {
    // SAFETY: the name of an entry is a C string that lives as long as the entry.
    let topic = unsafe { CStr::from_ptr(found.topic) };
    let topic = topic.to_string_lossy().into_owned();
    match found.err {
        Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(((topic, found.partition), found.offset)),
        code => Err(doing.failed(code, &call::words(code))),
    }
}

/// The metadata that was committed with the offset.
pub(in crate::kafka) fn metadata(found: &sys::rd_kafka_topic_partition_t) -> &[u8] {
    // SAFETY: the metadata is null or has this many bytes, and lives as long as
    // the entry.
    unsafe { call::list(found.metadata.cast::<u8>(), found.metadata_size) }
}

/// The entries of a list.
///
/// # Safety
/// `list` is null or live, and outlives the returned value.
pub(in crate::kafka) unsafe fn entries<'a>(
    list: *const sys::rd_kafka_topic_partition_list_t,
) -> &'a [sys::rd_kafka_topic_partition_t] {
    if list.is_null() {
        return &[];
    }
    // SAFETY: by this function's safety contract.
    unsafe { call::list((*list).elems, usize::try_from((*list).cnt).unwrap_or(0)) }
}
